//! `PutMetricData`: the values are in the store when it is acknowledged.

use std::time::Duration;

use api_cloudwatch::{MetricDatum, PutMetricDataInput, StatisticSet};
use clock::Timestamp;
use wire::{Context, Error};

use crate::batch::{Batch, Series};
use crate::errors::{combination, exclusive, invalid, missing};
use crate::metric::{Metric, find_unit};
use crate::resolution::floor;
use crate::service::Inner;
use crate::summary::Summary;

/// API reference, `PutMetricData`.
const METRICS_AT_ONCE_MAX: usize = 1_000;
const VALUES_MAX: usize = 150;
const PAST_MAX: Duration = Duration::from_secs(14 * 86_400);
const FUTURE_MAX: Duration = Duration::from_secs(2 * 3_600);
/// 2 to the power of 360.
const VALUE_MAX: f64 = f64::from_bits((1_023 + 360) << 52);

pub(crate) async fn handle(inner: &Inner, context: &Context, input: PutMetricDataInput) -> Result<(), Error> {
    check_namespace(&input.namespace)?;
    if input.entity_metric_data.is_some() {
        return Err(Error::unsupported("InvalidParameterValue", "EntityMetricData"));
    }
    let data = input.metric_data.filter(|data| !data.is_empty()).ok_or_else(|| missing("MetricData"))?;
    check_size("MetricData", data.len(), METRICS_AT_ONCE_MAX)?;
    let now = inner.clock.now();
    let mut batch = Batch::default();
    for (index, datum) in data.into_iter().enumerate() {
        let place = format!("MetricData.member.{}", index + 1);
        add(&mut batch, context, &input.namespace, &place, datum, now)?;
    }
    inner.put(batch).await
}

fn check_size(collection: &str, size: usize, max: usize) -> Result<(), Error> {
    if size > max {
        return Err(invalid(format!("The collection {collection} must not have a size greater than {max}.")));
    }
    Ok(())
}

fn check_namespace(namespace: &str) -> Result<(), Error> {
    if namespace.starts_with("AWS/") {
        return Err(invalid("The value AWS/ for parameter Namespace is invalid."));
    }
    check_text("Namespace", namespace)
}

/// "ASCII characters ... control characters are not supported", at least one is not a space, and a colon does not
/// come first (API reference, `PutMetricData` and `Dimension`).
fn check_text(place: &str, text: &str) -> Result<(), Error> {
    let valid = text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && text.bytes().any(|byte| byte != b' ')
        && !text.starts_with(':');
    if valid {
        return Ok(());
    }
    Err(invalid(format!(
        "The parameter {place} must contain only ASCII characters that are not control characters, \
         include at least one non-whitespace character, and not start with a colon."
    )))
}

fn add(
    batch: &mut Batch,
    context: &Context,
    namespace: &str,
    place: &str,
    datum: MetricDatum,
    now: Timestamp,
) -> Result<(), Error> {
    let dimensions = dimensions(place, &datum)?;
    let summary = summary(place, &datum)?;
    let at = datum.timestamp.unwrap_or(now);
    if at < now - PAST_MAX {
        return Err(invalid(format!(
            "The parameter {place}.Timestamp must specify a time within the past two weeks."
        )));
    }
    if at > now + FUTURE_MAX {
        return Err(invalid(format!(
            "The parameter {place}.Timestamp must specify a time no more than two hours in the future."
        )));
    }
    let resolution_s = match datum.storage_resolution {
        None | Some(60) => 60,
        Some(1) => 1,
        Some(_) => {
            let text =
                format!("The parameter {place}.StorageResolution must be a value in the set [ 1, 60 ].");
            return Err(invalid(text));
        }
    };
    let unit = match &datum.unit {
        None => "None",
        Some(unit) => find_unit(unit.as_str()).ok_or_else(|| {
            invalid(format!("The value {} for parameter {place}.Unit is invalid.", unit.as_str()))
        })?,
    };
    let metric = Metric::new(&context.account, &context.region, namespace, &datum.metric_name, dimensions);
    batch.add(&Series::new(metric), unit, resolution_s, floor(at.as_secs(), resolution_s), &summary);
    Ok(())
}

fn dimensions(place: &str, datum: &MetricDatum) -> Result<Vec<(String, String)>, Error> {
    check_text(&format!("{place}.MetricName"), &datum.metric_name)?;
    let mut dimensions = Vec::new();
    for (index, dimension) in datum.dimensions.iter().flatten().enumerate() {
        let place = format!("{place}.Dimensions.member.{}", index + 1);
        check_text(&format!("{place}.Name"), &dimension.name)?;
        check_text(&format!("{place}.Value"), &dimension.value)?;
        if dimensions.iter().any(|(name, _)| *name == dimension.name) {
            return Err(invalid("No metric may specify the same dimension name twice."));
        }
        dimensions.push((dimension.name.clone(), dimension.value.clone()));
    }
    Ok(dimensions)
}

/// The values. AWS takes a set of statistics and `Values` in the same datum; so both count.
fn summary(place: &str, datum: &MetricDatum) -> Result<Summary, Error> {
    let (value, values, set) =
        (format!("{place}.Value"), format!("{place}.Values"), format!("{place}.StatisticValues"));
    let listed = datum.values.as_deref().unwrap_or_default();
    if datum.value.is_some() && !listed.is_empty() {
        return Err(exclusive(&value, &values));
    }
    if datum.value.is_some() && datum.statistic_values.is_some() {
        return Err(exclusive(&value, &set));
    }
    let mut summary = Summary::default();
    if let Some(number) = datum.value {
        summary.add(in_range(&value, number)?, 1.0);
    }
    if let Some(statistics) = &datum.statistic_values {
        summary.merge(&statistic_set(&set, statistics)?);
    }
    add_values(&mut summary, place, listed, datum.counts.as_deref())?;
    if summary.is_empty() {
        return Err(combination(format!(
            "At least one of the parameters {values}, {set} and {value} must be specified."
        )));
    }
    Ok(summary)
}

fn add_values(
    summary: &mut Summary,
    place: &str,
    values: &[f64],
    counts: Option<&[f64]>,
) -> Result<(), Error> {
    let (values_place, counts_place) = (format!("{place}.Values"), format!("{place}.Counts"));
    check_size(&values_place, values.len(), VALUES_MAX)?;
    let counts = counts.filter(|counts| !counts.is_empty());
    if counts.is_some_and(|counts| counts.len() != values.len()) {
        let text = format!("The parameters {values_place} and {counts_place} must be of the same size.");
        return Err(invalid(text));
    }
    for (index, value) in values.iter().enumerate() {
        let value = in_range(&format!("{values_place}.member.{}", index + 1), *value)?;
        let count = match counts {
            Some(counts) => not_negative(&format!("{counts_place}.member.{}", index + 1), counts[index])?,
            None => 1.0,
        };
        summary.add(value, count);
    }
    Ok(())
}

fn statistic_set(place: &str, set: &StatisticSet) -> Result<Summary, Error> {
    let count = not_negative(&format!("{place}.SampleCount"), set.sample_count)?;
    let sum = in_range(&format!("{place}.Sum"), set.sum)?;
    let minimum = in_range(&format!("{place}.Minimum"), set.minimum)?;
    let maximum = in_range(&format!("{place}.Maximum"), set.maximum)?;
    if maximum < minimum {
        let text = format!("The parameter {place}.Maximum must be greater than {place}.Minimum.");
        return Err(invalid(text));
    }
    Ok(Summary::of_set(count, sum, minimum, maximum))
}

/// "Values must be in the range of -2^360 to 2^360. In addition, special values (for example, NaN, +Infinity,
/// -Infinity) are not supported."
fn in_range(place: &str, value: f64) -> Result<f64, Error> {
    if value.abs() <= VALUE_MAX {
        return Ok(value);
    }
    Err(invalid(format!("The value {value} for parameter {place} is invalid.")))
}

fn not_negative(place: &str, value: f64) -> Result<f64, Error> {
    in_range(place, value).and_then(|value| {
        if value >= 0.0 {
            Ok(value)
        } else {
            Err(invalid(format!("The value {value} for parameter {place} is invalid.")))
        }
    })
}
