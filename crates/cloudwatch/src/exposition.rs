//! The figures that services measure, in the text format of Prometheus.
//!
//! Numbers of events are counters and durations and sizes are summaries, both monotone over the life of the process;
//! states are gauges. A value that counts under several sets of dimensions is shown under the shortest of them that
//! is not empty: so a sum over a counter's labels counts nothing twice.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use clock::Timestamp;
use targets::{MetricSource, Unit};

use crate::resolution::floor;
use crate::summary::Summary;

/// Series at most; those of resources that are gone stay, because counters must not go back.
const SERIES_MAX: usize = 20_000;

/// What is recorded with every event but is a state: of each minute the greatest value counts.
const STATES: &[&str] = &[
    "ConcurrentExecutions",
    "UnreservedConcurrentExecutions",
    "ProvisionedConcurrentExecutions",
    "ProvisionedConcurrencyUtilization",
    "ClaimedAccountConcurrency",
];

/// All series that can be scraped.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    /// By family and labels.
    totals: Mutex<BTreeMap<(String, String), Arc<Total>>>,
}

/// What is known of one series.
#[derive(Debug)]
pub(crate) struct Total {
    kind: Kind,
    /// How many of the metric's unit make one of Prometheus, which has seconds only.
    divisor: f64,
    figures: Mutex<Figures>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Summary,
}

#[derive(Debug, Default, Clone, Copy)]
struct Figures {
    count: f64,
    sum: f64,
    /// Of a gauge: which minute it shows, and what.
    minute_s: i64,
    shown: f64,
}

impl Exposition {
    /// Where the values of this metric are to be added; nowhere when there are too many series.
    pub(crate) fn total(&self, source: &MetricSource, name: &str, unit: Unit) -> Option<Arc<Total>> {
        let kind = match unit {
            Unit::Count | Unit::Percent | Unit::None if STATES.contains(&name) => Kind::Gauge,
            Unit::Count => Kind::Counter,
            _ => Kind::Summary,
        };
        self.find(source, name, unit, kind)
    }

    /// Says what a gauge shows now.
    pub(crate) fn set(&self, source: &MetricSource, name: &str, unit: Unit, now: Timestamp, value: f64) {
        if let Some(total) = self.find(source, name, unit, Kind::Gauge) {
            let mut figures = total.figures.lock().unwrap_or_else(PoisonError::into_inner);
            (figures.minute_s, figures.shown) = (floor(now.as_secs(), 60), value);
        }
    }

    fn find(&self, source: &MetricSource, name: &str, unit: Unit, kind: Kind) -> Option<Arc<Total>> {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (family(source.namespace, name, unit, kind), labels(source));
        if let Some(total) = totals.get(&key) {
            return Some(Arc::clone(total));
        }
        if totals.len() >= SERIES_MAX {
            return None;
        }
        let divisor = if unit == Unit::Milliseconds { 1e3 } else { 1.0 };
        let total = Arc::new(Total { kind, divisor, figures: Mutex::default() });
        totals.insert(key, Arc::clone(&total));
        Some(total)
    }

    /// All of it as text. `dropped`: values that were lost.
    pub(crate) fn text(&self, now: Timestamp, dropped: u64) -> String {
        let mut text = String::new();
        let mut last_family = "";
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        for ((family, labels), total) in &*totals {
            if family != last_family {
                let kind = match total.kind {
                    Kind::Counter => "counter",
                    Kind::Gauge => "gauge",
                    Kind::Summary => "summary",
                };
                line(&mut text, format_args!("# TYPE {family} {kind}"));
                last_family = family;
            }
            total.write(&mut text, family, labels, now);
        }
        line(&mut text, format_args!("# TYPE lambent_metric_values_dropped_total counter"));
        line(&mut text, format_args!("lambent_metric_values_dropped_total {dropped}"));
        text
    }
}

impl Total {
    pub(crate) fn add(&self, minute_s: i64, summary: &Summary) {
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.count += summary.count;
        figures.sum += summary.sum;
        if minute_s > figures.minute_s {
            (figures.minute_s, figures.shown) = (minute_s, summary.maximum);
        } else if minute_s == figures.minute_s {
            figures.shown = figures.shown.max(summary.maximum);
        }
    }

    fn write(&self, text: &mut String, family: &str, labels: &str, now: Timestamp) {
        let figures = *self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        let divisor = self.divisor;
        match self.kind {
            Kind::Counter => line(text, format_args!("{family}{{{labels}}} {}", figures.sum / divisor)),
            Kind::Summary => {
                line(text, format_args!("{family}_sum{{{labels}}} {}", figures.sum / divisor));
                line(text, format_args!("{family}_count{{{labels}}} {}", figures.count));
            }
            Kind::Gauge => {
                // What nobody has said for a while is not so any more.
                let current = figures.minute_s + 60 >= floor(now.as_secs(), 60);
                let shown = if current { figures.shown } else { 0.0 };
                line(text, format_args!("{family}{{{labels}}} {}", shown / divisor));
            }
        }
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _infallible = writeln!(text, "{line}");
}

/// `AWS/Lambda` `Duration` in milliseconds: `aws_lambda_duration_seconds`.
fn family(namespace: &str, name: &str, unit: Unit, kind: Kind) -> String {
    let unit = match (kind, unit) {
        (Kind::Counter, _) => "_total",
        (_, Unit::Milliseconds | Unit::Seconds) => "_seconds",
        (_, Unit::Bytes) => "_bytes",
        (_, Unit::Percent) => "_percent",
        (_, Unit::Count | Unit::None) => "",
    };
    let family = format!("{}_{}", snake(namespace), snake(name));
    if family.ends_with(unit) { family } else { family + unit }
}

fn labels(source: &MetricSource) -> String {
    let mut labels = format!("account=\"{}\",region=\"{}\"", source.account, source.region);
    let shown = source.dimensions.iter().filter(|set| !set.is_empty()).min_by_key(|set| set.len());
    for (name, value) in shown.into_iter().flatten() {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        // Writing to a string does not fail.
        let _infallible = write!(labels, ",{}=\"{value}\"", snake(name));
    }
    labels
}

/// `FunctionName`: `function_name`; `AWS/SQS`: `aws_sqs`.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 8);
    let mut before = '_';
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if !letter.is_ascii_alphanumeric() {
            snake.push('_');
        } else {
            let next_is_small = letters.peek().is_some_and(char::is_ascii_lowercase);
            let begins = before.is_ascii_lowercase() || (before.is_ascii_uppercase() && next_is_small);
            if letter.is_ascii_uppercase() && begins {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        before = letter;
    }
    snake
}

#[cfg(test)]
mod tests {
    use ids::{AccountId, Region};

    use super::*;

    fn source(dimensions: Vec<Vec<(&'static str, String)>>) -> MetricSource {
        MetricSource {
            account: AccountId::parse("000000000000").expect("parses"),
            region: Region::parse("us-east-1").expect("parses"),
            namespace: "AWS/Lambda",
            dimensions,
        }
    }

    #[test]
    fn names_are_those_of_prometheus() {
        assert_eq!(snake("AWS/SQS"), "aws_sqs");
        assert_eq!(snake("NumberOfMessagesSent"), "number_of_messages_sent");
        assert_eq!(snake("SMSSuccessRate"), "sms_success_rate");
        let name = |name, unit, kind| family("AWS/Lambda", name, unit, kind);
        assert_eq!(name("Invocations", Unit::Count, Kind::Counter), "aws_lambda_invocations_total");
        assert_eq!(name("Duration", Unit::Milliseconds, Kind::Summary), "aws_lambda_duration_seconds");
        assert_eq!(
            name("ConcurrentExecutions", Unit::Count, Kind::Gauge),
            "aws_lambda_concurrent_executions"
        );
    }

    #[test]
    fn counters_grow_and_states_end() {
        let exposition = Exposition::default();
        let by_function = vec![("FunctionName", "a\"b".to_owned())];
        let by_resource = [by_function.clone(), vec![("Resource", "r".to_owned())]].concat();
        let source = source(vec![by_resource, by_function, vec![]]);
        let values = |values: &[f64]| {
            let mut summary = Summary::default();
            values.iter().for_each(|value| summary.add(*value, 1.0));
            summary
        };
        let add = |name, unit, minute_s, summary: Summary| {
            exposition.total(&source, name, unit).expect("has room").add(minute_s, &summary);
        };
        add("Invocations", Unit::Count, 60, values(&[1.0, 1.0]));
        add("Invocations", Unit::Count, 120, values(&[1.0]));
        add("Duration", Unit::Milliseconds, 60, values(&[100.0, 250.0]));
        add("ConcurrentExecutions", Unit::Count, 60, values(&[9.0]));
        add("ConcurrentExecutions", Unit::Count, 120, values(&[1.0, 3.0, 2.0]));

        let now = Timestamp::from_millis(150_000);
        let labels = r#"{account="000000000000",region="us-east-1",function_name="a\"b"}"#;
        let expected = format!(
            "# TYPE aws_lambda_concurrent_executions gauge\n\
             aws_lambda_concurrent_executions{labels} 3\n\
             # TYPE aws_lambda_duration_seconds summary\n\
             aws_lambda_duration_seconds_sum{labels} 0.35\n\
             aws_lambda_duration_seconds_count{labels} 2\n\
             # TYPE aws_lambda_invocations_total counter\n\
             aws_lambda_invocations_total{labels} 3\n\
             # TYPE lambent_metric_values_dropped_total counter\n\
             lambent_metric_values_dropped_total 7\n"
        );
        assert_eq!(exposition.text(now, 7), expected);
        let later = exposition.text(Timestamp::from_millis(600_000), 7);
        assert!(later.contains(&format!("aws_lambda_concurrent_executions{labels} 0\n")), "{later}");
    }
}
