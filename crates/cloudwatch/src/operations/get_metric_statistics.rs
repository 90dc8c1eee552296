//! `GetMetricStatistics`: one metric, period by period and unit by unit.

use std::collections::BTreeMap;

use api_cloudwatch::{
    Datapoint, GetMetricStatisticsInput, GetMetricStatisticsOutput, StandardUnit, Statistic as Name,
};
use clock::Timestamp;
use wire::{Context, Error};

use super::{dimensions_of, unit_of};
use crate::errors::{combination, exclusive, invalid, read_failed, store_failed};
use crate::metric::Metric;
use crate::reader::{Window, read};
use crate::resolution::is_period;
use crate::service::Inner;
use crate::statistic::Statistic;
use crate::summary::Summary;

/// API reference, `GetMetricStatistics`.
const DATAPOINTS_MAX: i64 = 1_440;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: GetMetricStatisticsInput,
) -> Result<GetMetricStatisticsOutput, Error> {
    let wanted = wanted(&input)?;
    let window = window(inner, &input)?;
    let unit = unit_of(input.unit.as_ref())?;
    let dimensions = dimensions_of(input.dimensions);
    let metric =
        Metric::new(&context.account, &context.region, &input.namespace, &input.metric_name, dimensions);

    inner.refresh(window.covers_now()).await;
    let snapshot = inner.store.snapshot().await.map_err(read_failed)?;
    let with_distribution = wanted.iter().any(|(_, statistic)| statistic.needs_distribution());
    let units = read(&*snapshot, &metric.id(), &window, with_distribution)
        .await
        .map_err(|error| store_failed(&error))?;
    let mut datapoints = Vec::new();
    for (name, periods) in units {
        if unit.is_some_and(|unit| unit != name) {
            continue;
        }
        for (start_s, summary) in periods {
            datapoints.extend(datapoint(start_s, name, &summary, &wanted));
        }
    }
    Ok(GetMetricStatisticsOutput { label: Some(metric.name), datapoints: Some(datapoints) })
}

/// Statistics, each with the name that it was asked for by.
type Wanted = Vec<(String, Statistic)>;

fn wanted(input: &GetMetricStatisticsInput) -> Result<Wanted, Error> {
    match (&input.statistics, &input.extended_statistics) {
        (Some(_), Some(_)) => Err(exclusive("Statistics", "ExtendedStatistics")),
        (None, None) => Err(combination(
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
        )),
        (Some(names), None) => names.iter().map(Name::as_str).map(parse).collect(),
        (None, Some(names)) => names.iter().map(|name| parse_extended(name)).collect(),
    }
}

fn parse(name: &str) -> Result<(String, Statistic), Error> {
    match Statistic::parse(name) {
        Some(statistic) => Ok((name.to_owned(), statistic)),
        None => Err(invalid(format!("The value {name} for parameter Statistics is not supported."))),
    }
}

fn parse_extended(name: &str) -> Result<(String, Statistic), Error> {
    match Statistic::parse(name) {
        Some(statistic) if statistic.needs_distribution() => Ok((name.to_owned(), statistic)),
        _ => Err(invalid(format!("The value {name} for parameter ExtendedStatistics is not supported."))),
    }
}

fn window(inner: &Inner, input: &GetMetricStatisticsInput) -> Result<Window, Error> {
    let period_s = i64::from(input.period);
    if !is_period(period_s) {
        return Err(invalid("The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60."));
    }
    if input.start_time >= input.end_time {
        return Err(invalid("The parameter StartTime must be less than the parameter EndTime."));
    }
    // As it was asked for, before rounding: a day is 1,440 minutes, wherever it begins.
    let asked_us = input.end_time.as_micros() - input.start_time.as_micros();
    let datapoints = (asked_us - 1) / (period_s * 1_000_000) + 1;
    if datapoints > DATAPOINTS_MAX {
        return Err(combination(format!(
            "You have requested up to {datapoints} datapoints, which exceeds the limit of {DATAPOINTS_MAX}. \
             You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )));
    }
    Ok(Window::new(input.start_time, input.end_time, period_s, inner.clock.now()))
}

/// What is known of a period; nothing where none of the statistics is.
fn datapoint(start_s: i64, unit: &str, summary: &Summary, wanted: &Wanted) -> Option<Datapoint> {
    let mut datapoint = Datapoint {
        timestamp: Some(Timestamp::from_millis(start_s * 1_000)),
        unit: Some(StandardUnit::from(unit)),
        ..Datapoint::default()
    };
    let mut extended = BTreeMap::new();
    let mut known = false;
    for (name, statistic) in wanted {
        let Some(value) = statistic.of(summary) else { continue };
        known = true;
        match statistic {
            Statistic::SampleCount => datapoint.sample_count = Some(value),
            Statistic::Average => datapoint.average = Some(value),
            Statistic::Sum => datapoint.sum = Some(value),
            Statistic::Minimum => datapoint.minimum = Some(value),
            Statistic::Maximum => datapoint.maximum = Some(value),
            _ => {
                extended.insert(name.clone(), value);
            }
        }
    }
    datapoint.extended_statistics = Some(extended).filter(|extended| !extended.is_empty());
    known.then_some(datapoint)
}
