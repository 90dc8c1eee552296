//! Reads metrics, and shows results.

use std::collections::BTreeMap;
use std::time::Duration;

use api_cloudwatch::{MessageData, MetricDataResult, StatusCode};
use clock::Timestamp;
use store::{KeyPart, Snapshot};
use wire::{Context, Error};

use super::page::Order;
use super::queries::{Query, Wanted};
use crate::errors::{expression as wrong, store_failed, validation};
use crate::expression::{Expression, Figures, Search, Value, searches};
use crate::metric::{Metric, SeriesId};
use crate::reader::{Window, read};
use crate::statistic::Statistic;
use crate::tables::{METRICS, metric_of};

/// Time series that a search finds at most (user guide, "search expression syntax").
const FOUND_MAX: usize = 500;

/// A search finds what has had values in the last two weeks.
const SEARCHED_FOR: Duration = Duration::from_secs(14 * 86_400);

/// Rows that are read at once.
const PAGE: usize = 500;

/// Points that all queries together may have in memory.
const POINTS_MAX: usize = 1_000_000;

/// What is to be said of a result, by the id of its query.
pub(super) type Messages = BTreeMap<String, MessageData>;

/// Where figures are read.
pub(super) struct Source<'a, W> {
    snapshot: &'a dyn Snapshot,
    context: &'a Context,
    window: &'a W,
    points: usize,
    found_too_many: bool,
}

impl<'a, W: Fn(i64) -> Window + Sync> Source<'a, W> {
    /// `window` makes the window for a period in seconds.
    pub(super) fn new(snapshot: &'a dyn Snapshot, context: &'a Context, window: &'a W) -> Self {
        Self { snapshot, context, window, points: 0, found_too_many: false }
    }

    pub(super) const fn found_too_many(&self) -> bool {
        self.found_too_many
    }

    /// Counts points that are kept until the answer is made.
    pub(super) fn count(&mut self, value: &Value) -> Result<(), Error> {
        self.points += value.count();
        if self.points > POINTS_MAX {
            return Err(validation(format!(
                "The queries have more than {POINTS_MAX} data points together. You may reduce them by increasing \
                 Period, or decreasing the time range."
            )));
        }
        Ok(())
    }

    /// The figures of a metric, and what is to be said of them.
    pub(super) async fn read_metric(
        &mut self,
        wanted: &Wanted,
        label: String,
    ) -> Result<(Figures, Option<MessageData>), Error> {
        let id = wanted.metric.id();
        self.read(&id, wanted.period_s, wanted.statistic, wanted.unit, label).await
    }

    async fn read(
        &mut self,
        series: &SeriesId,
        period_s: i64,
        statistic: Statistic,
        unit: Option<&'static str>,
        label: String,
    ) -> Result<(Figures, Option<MessageData>), Error> {
        let window = (self.window)(period_s);
        let mut units = read(self.snapshot, series, &window, statistic.needs_distribution())
            .await
            .map_err(|error| store_failed(&error))?;
        let mut message = None;
        let unit = match unit {
            Some(unit) => Some(unit),
            None => {
                let names: Vec<&str> = units.keys().copied().collect();
                message = several_units(&names);
                // Recorded on AWS: the values of one of them are shown, of `Count` rather than of `Milliseconds`, and of
                // these rather than of `Seconds`.
                let named = units.keys().copied().find(|name| *name != "None");
                named.or_else(|| units.keys().copied().next())
            }
        };
        let periods = unit.and_then(|unit| units.remove(unit)).unwrap_or_default();
        let points = periods
            .into_iter()
            .filter_map(|(start_s, summary)| Some((start_s, statistic.of(&summary)?)))
            .collect();
        let figures = Figures { label, window, points };
        let value = Value::Series(figures);
        self.count(&value)?;
        match value {
            Value::Series(figures) => Ok((figures, message)),
            Value::Scalar(_) | Value::Array(_) => Err(Error::internal()),
        }
    }

    /// What the searches in an expression find.
    pub(super) async fn search(
        &mut self,
        id: &str,
        expression: &Expression,
        period_s: i64,
    ) -> Result<BTreeMap<String, Vec<Figures>>, Error> {
        let mut found = BTreeMap::new();
        for search in searches(expression).map_err(|what| wrong(id, &what))? {
            let period_s = search.period_s.unwrap_or(period_s);
            let metrics = self.find(&search, (self.window)(period_s).now_s).await?;
            let mut array = Vec::new();
            for metric in metrics {
                let (id, label) = (metric.id(), label(&metric));
                array.push(self.read(&id, period_s, search.statistic, None, label).await?.0);
            }
            found.insert(search.text, array);
        }
        Ok(found)
    }

    async fn find(&mut self, search: &Search, now_s: i64) -> Result<Vec<Metric>, Error> {
        let failed = |error: store::TableError| store_failed(&error);
        let since = Timestamp::from_millis(now_s.saturating_mul(1_000)) - SEARCHED_FOR;
        let mut parts: Vec<KeyPart<'_>> =
            vec![self.context.account.as_str().into(), self.context.region.as_str().into()];
        parts.extend(search.namespace.as_ref().map(KeyPart::from));
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let rows = METRICS.list(self.snapshot, &parts, after.as_deref(), PAGE).await.map_err(failed)?;
            let full = rows.len() == PAGE;
            after = rows.last().map(|row| row.key.clone());
            for row in rows.iter().filter(|row| row.record.newest >= since) {
                let (_, metric) = metric_of(&row.key, &row.record).map_err(|error| failed(error.into()))?;
                if search.matches(&metric) {
                    if found.len() == FOUND_MAX {
                        self.found_too_many = true;
                        return Ok(found);
                    }
                    found.push(metric);
                }
            }
            if !full {
                return Ok(found);
            }
        }
    }
}

fn several_units(names: &[&str]) -> Option<MessageData> {
    (names.len() > 1).then(|| MessageData {
        code: Some("MultipleUnits".to_owned()),
        value: Some(format!("Multiple units returned: '[{}]'", names.join(", "))),
    })
}

/// What tells a metric apart from the others that a search found.
fn label(metric: &Metric) -> String {
    let values = metric.dimensions.iter().map(|(_, value)| value.as_str());
    values.chain([metric.name.as_str()]).collect::<Vec<_>>().join(" ")
}

/// Adds what a query shows.
pub(super) fn show(
    shown: &mut Vec<MetricDataResult>,
    query: &Query,
    value: Option<&Value>,
    message: Option<MessageData>,
    order: Order,
) -> Result<(), Error> {
    let (figures, is_array) = match value {
        Some(Value::Series(figures)) => (std::slice::from_ref(figures), false),
        Some(Value::Array(array)) => (&array[..], true),
        Some(Value::Scalar(_)) | None => {
            let what = "The result must be a time series or an array of time series, not a number.";
            return Err(wrong(&query.id, what));
        }
    };
    for figures in figures {
        // "Expression-Label Metric-Label" (user guide, "Using metric math").
        let label = match (query.is_metric(), is_array, query.label.as_str()) {
            (true, _, label) | (false, false, label) if !label.is_empty() => label.to_owned(),
            (_, true, "") => figures.label.clone(),
            (_, true, label) => format!("{label} {}", figures.label),
            _ => query.id.clone(),
        };
        let mut points: Vec<(i64, f64)> = figures.points.iter().map(|(at, value)| (*at, *value)).collect();
        if order == Order::Descending {
            points.reverse();
        }
        shown.push(MetricDataResult {
            id: Some(query.id.clone()),
            label: Some(label),
            timestamps: Some(points.iter().map(|(at, _)| Timestamp::from_millis(at * 1_000)).collect()),
            values: Some(points.iter().map(|(_, value)| *value).collect()),
            status_code: Some(StatusCode::Complete),
            messages: message.clone().map(|message| vec![message]),
        });
    }
    Ok(())
}
