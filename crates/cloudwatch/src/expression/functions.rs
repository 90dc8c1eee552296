//! The functions of metric math.

use std::collections::BTreeMap;

use super::evaluate::{Scope, evaluate};
use super::parser::Expression;
use super::search;
use super::value::{Figures, Value};
use crate::reader::Window;

/// Points that a series may be filled up to: as many as an answer can hold (API reference, `GetMetricData`).
const POINTS_MAX: i64 = 100_800;

/// Functions that CloudWatch has and this does not.
const MISSING: &[&str] = &[
    "ANOMALY_DETECTION_BAND",
    "DATAPOINT_COUNT",
    "DATE",
    "DAY",
    "DB_PERF_INSIGHTS",
    "DIFF_TIME",
    "EPOCH",
    "HOUR",
    "INSIGHT_RULE_METRIC",
    "LAMBDA",
    "LOG",
    "LOG10",
    "MINUTE",
    "MONTH",
    "SERVICE_QUOTA",
    "SLICE",
    "SORT",
    "YEAR",
];

pub(super) fn call(name: &str, arguments: &[Expression], scope: &Scope<'_>) -> Result<Value, String> {
    match name {
        "METRICS" => return metrics(arguments, scope),
        "SEARCH" => return search::found(arguments, scope),
        "FILL" => return fill(arguments, scope),
        "IF" => return choose(arguments, scope),
        _ => {}
    }
    let one = || match arguments {
        [argument] => evaluate(argument, scope),
        _ => Err(format!("{name} takes one argument.")),
    };
    match name {
        "ABS" => Ok(one()?.map(f64::abs)),
        "CEIL" => Ok(one()?.map(f64::ceil)),
        "FLOOR" => Ok(one()?.map(f64::floor)),
        "SUM" => aggregate(one()?, |values| values.iter().sum(), Missing::IsZero),
        "AVG" => aggregate(one()?, mean, Missing::IsZero),
        "MIN" => {
            aggregate(one()?, |values| values.iter().copied().fold(f64::NAN, f64::min), Missing::IsLeftOut)
        }
        "MAX" => {
            aggregate(one()?, |values| values.iter().copied().fold(f64::NAN, f64::max), Missing::IsLeftOut)
        }
        "STDDEV" => aggregate(one()?, deviation, Missing::IsLeftOut),
        "DIFF" => each(name, one()?, |series| pairs(series, |change, _| change)),
        "RATE" => each(name, one()?, |series| pairs(series, |change, seconds| change / seconds)),
        "RUNNING_SUM" => each(name, one()?, running_sum),
        "PERIOD" => match one()? {
            #[expect(clippy::cast_precision_loss, reason = "a period is a small number")]
            Value::Series(series) => Ok(Value::Scalar(series.window.period_s as f64)),
            _ => Err("PERIOD takes one metric.".to_owned()),
        },
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        "METRIC_COUNT" => Ok(Value::Scalar(array(one()?)?.len() as f64)),
        "FIRST" => Ok(array(one()?)?.into_iter().next().map_or(Value::Array(Vec::new()), Value::Series)),
        "LAST" => Ok(array(one()?)?.pop().map_or(Value::Array(Vec::new()), Value::Series)),
        "REMOVE_EMPTY" => {
            let mut array = array(one()?)?;
            array.retain(|series| !series.points.is_empty());
            Ok(Value::Array(array))
        }
        "TIME_SERIES" => match one()? {
            Value::Scalar(number) => time_series(number, scope.window).map(Value::Series),
            _ => Err("TIME_SERIES takes one number.".to_owned()),
        },
        _ if MISSING.contains(&name) => Err(format!("The function {name} is not supported by Lambent yet.")),
        _ => Err(format!("There is no function {name}.")),
    }
}

/// A series is an array of one.
pub(super) fn array(value: Value) -> Result<Vec<Figures>, String> {
    match value {
        Value::Series(series) => Ok(vec![series]),
        Value::Array(array) => Ok(array),
        Value::Scalar(_) => Err("An array consists of time series, not of numbers.".to_owned()),
    }
}

/// All metrics, or those whose ids contain a text.
fn metrics(arguments: &[Expression], scope: &Scope<'_>) -> Result<Value, String> {
    let part = match arguments {
        [] => "",
        [Expression::Text(part)] => part,
        _ => return Err("METRICS takes no argument, or one text.".to_owned()),
    };
    let mut array = Vec::new();
    for id in scope.metrics.iter().filter(|id| id.contains(part)) {
        if let Some(Value::Series(series)) = scope.results.get(id) {
            array.push(series.clone());
        }
    }
    Ok(Value::Array(array))
}

/// What a series of an array counts as where it has no value but others have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    IsZero,
    IsLeftOut,
}

/// Of one series a number; of an array a series.
fn aggregate(value: Value, of: impl Fn(&[f64]) -> f64, missing: Missing) -> Result<Value, String> {
    let array = match value {
        Value::Scalar(_) => return Err("A time series is needed, not a number.".to_owned()),
        Value::Series(series) => {
            return Ok(Value::Scalar(of(&series.points.values().copied().collect::<Vec<_>>())));
        }
        Value::Array(array) => array,
    };
    let Some(first) = array.first() else { return Ok(Value::Array(Vec::new())) };
    let mut columns: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for series in &array {
        for (at, value) in &series.points {
            columns.entry(*at).or_default().push(*value);
        }
    }
    let points = columns.into_iter().map(|(at, mut values)| {
        if missing == Missing::IsZero {
            values.resize(array.len(), 0.0);
        }
        (at, of(&values))
    });
    Ok(Value::Series(first.collect(points)))
}

#[expect(clippy::cast_precision_loss, reason = "counts of points are far below 2^52")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// That of the whole population.
#[expect(clippy::cast_precision_loss, reason = "counts of points are far below 2^52")]
fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / values.len() as f64).sqrt()
}

fn each(name: &str, value: Value, of: impl Fn(&Figures) -> Figures) -> Result<Value, String> {
    match value {
        Value::Scalar(_) => Err(format!("{name} takes time series, not a number.")),
        Value::Series(series) => Ok(Value::Series(of(&series))),
        Value::Array(array) => Ok(Value::Array(array.iter().map(of).collect())),
    }
}

/// Of each point and the one before it: the change of the value, and the seconds between them.
#[expect(clippy::cast_precision_loss, reason = "seconds between points are far below 2^52")]
fn pairs(series: &Figures, of: impl Fn(f64, f64) -> f64) -> Figures {
    let points = series.points.iter().zip(series.points.iter().skip(1));
    series.collect(points.map(|((before, old), (at, new))| (*at, of(new - old, (at - before) as f64))))
}

fn running_sum(series: &Figures) -> Figures {
    let mut sum = 0.0;
    series.collect(series.points.iter().map(|(at, value)| {
        sum += value;
        (*at, sum)
    }))
}

/// The starts of all periods so far.
fn times(window: Window) -> Result<impl Iterator<Item = i64>, String> {
    let end_s = window.end_s.min(window.now_s + 1);
    if (end_s - window.start_s) / window.period_s > POINTS_MAX {
        return Err(format!("A time series has at most {POINTS_MAX} points: a longer period is needed."));
    }
    let step = usize::try_from(window.period_s).unwrap_or(1);
    Ok((window.start_s..end_s).step_by(step.max(1)))
}

fn time_series(number: f64, window: Window) -> Result<Figures, String> {
    let empty = Figures { label: "TIME_SERIES".to_owned(), window, points: BTreeMap::new() };
    Ok(empty.collect(times(window)?.map(|at| (at, number))))
}

/// What stands where there is no value.
enum Filler {
    Number(f64),
    Series(Figures),
    /// The value before.
    Repeat,
    /// On the line between the values before and after.
    Linear,
}

fn fill(arguments: &[Expression], scope: &Scope<'_>) -> Result<Value, String> {
    let [sparse, filler] = arguments else { return Err("FILL takes two arguments.".to_owned()) };
    let filler = match filler {
        Expression::Name(word) if word == "REPEAT" => Filler::Repeat,
        Expression::Name(word) if word == "LINEAR" => Filler::Linear,
        other => match evaluate(other, scope)? {
            Value::Scalar(number) => Filler::Number(number),
            Value::Series(series) => Filler::Series(series),
            Value::Array(_) => return Err("FILL takes no array as filler.".to_owned()),
        },
    };
    let filled = |series: &Figures| -> Result<Figures, String> {
        let value = |at: i64| series.points.get(&at).copied().or_else(|| filled_in(series, &filler, at));
        Ok(series.collect(times(series.window)?.filter_map(|at| Some((at, value(at)?)))))
    };
    match evaluate(sparse, scope)? {
        Value::Scalar(_) => Err("FILL takes time series, not a number.".to_owned()),
        Value::Series(series) => filled(&series).map(Value::Series),
        Value::Array(array) => array.iter().map(filled).collect::<Result<_, _>>().map(Value::Array),
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds between points are far below 2^52")]
fn filled_in(series: &Figures, filler: &Filler, at: i64) -> Option<f64> {
    let before = || series.points.range(..at).next_back();
    match filler {
        Filler::Number(number) => Some(*number),
        Filler::Series(other) => other.points.get(&at).copied(),
        Filler::Repeat => before().map(|(_, value)| *value),
        Filler::Linear => {
            let (from, old) = before()?;
            let (to, new) = series.points.range(at..).next()?;
            Some(old + (new - old) * (at - from) as f64 / (to - from) as f64)
        }
    }
}

/// `IF(condition, value[, other])`: "FALSE if the value of the condition data point is 0, and TRUE if the value of the
/// condition is any other value"; where the chosen one has no value, there is none.
fn choose(arguments: &[Expression], scope: &Scope<'_>) -> Result<Value, String> {
    let (condition, then, otherwise) = match arguments {
        [condition, then] => (condition, then, None),
        [condition, then, otherwise] => (condition, then, Some(otherwise)),
        _ => return Err("IF takes two or three arguments.".to_owned()),
    };
    let condition = evaluate(condition, scope)?;
    let then = evaluate(then, scope)?;
    let otherwise = otherwise.map(|otherwise| evaluate(otherwise, scope)).transpose()?;
    let is_array = |value: &Value| matches!(value, Value::Array(_));
    if is_array(&condition) || is_array(&then) || otherwise.as_ref().is_some_and(is_array) {
        return Err("IF takes no arrays of time series.".to_owned());
    }
    match condition {
        Value::Scalar(condition) if condition != 0.0 => Ok(then),
        Value::Scalar(_) => Ok(otherwise.unwrap_or(Value::Array(Vec::new()))),
        Value::Series(series) => {
            let at = |value: &Value, at: i64| match value {
                Value::Scalar(number) => Some(*number),
                Value::Series(series) => series.points.get(&at).copied(),
                Value::Array(_) => None,
            };
            let chosen = series.points.iter().filter_map(|(time, condition)| {
                let chosen = if *condition == 0.0 { otherwise.as_ref() } else { Some(&then) };
                Some((*time, at(chosen?, *time)?))
            });
            Ok(Value::Series(series.collect(chosen)))
        }
        Value::Array(_) => Ok(Value::Array(Vec::new())),
    }
}
