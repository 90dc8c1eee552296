//! What is asked for.

use std::collections::BTreeSet;

use api_cloudwatch::{MetricDataQuery, MetricStat};
use wire::{Context, Error};

use crate::errors::{expression as wrong, validation};
use crate::expression::{Expression, parse as parse_expression};
use crate::metric::Metric;
use crate::operations::{dimensions_of, unit_of};
use crate::resolution::is_period;
use crate::statistic::Statistic;

/// API reference, `GetMetricData`.
const QUERIES_MAX: usize = 500;

/// A query that has been checked.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) id: String,
    pub(super) what: What,
    /// Of a metric: given or made; of an expression: given only.
    pub(super) label: String,
    pub(super) is_returned: bool,
    /// What an expression is given.
    pub(super) period_s: Option<i64>,
}

#[derive(Debug)]
pub(super) enum What {
    Metric(Box<Wanted>),
    Expression(Expression),
}

/// A statistic of a metric.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) metric: Metric,
    pub(super) statistic: Statistic,
    /// As it was written.
    stat: String,
    pub(super) period_s: i64,
    pub(super) unit: Option<&'static str>,
}

impl Query {
    pub(super) const fn is_metric(&self) -> bool {
        matches!(self.what, What::Metric(_))
    }
}

pub(super) fn parse(context: &Context, queries: &[MetricDataQuery]) -> Result<Vec<Query>, Error> {
    if queries.is_empty() {
        return Err(validation("The parameter MetricDataQueries is required."));
    }
    if queries.len() > QUERIES_MAX {
        let text =
            format!("The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}.");
        return Err(validation(text));
    }
    let mut ids = BTreeSet::new();
    let mut parsed = Vec::with_capacity(queries.len());
    for (index, query) in queries.iter().enumerate() {
        let place = format!("MetricDataQueries.member.{}", index + 1);
        if !is_id(&query.id) {
            return Err(validation(format!(
                "The value for parameter {place}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
            )));
        }
        if !ids.insert(query.id.as_str()) {
            return Err(validation("The values for parameter id in MetricDataQueries are not unique."));
        }
        parsed.push(parse_query(context, &place, query)?);
    }
    make_labels(&mut parsed);
    Ok(parsed)
}

fn is_id(id: &str) -> bool {
    id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn exclusive(one: &str, other: &str) -> Error {
    validation(format!(
        "The parameters {one} and {other} are mutually exclusive and you have specified both."
    ))
}

fn parse_query(context: &Context, place: &str, query: &MetricDataQuery) -> Result<Query, Error> {
    if query.account_id.as_ref().is_some_and(|account| account != context.account.as_str()) {
        return Err(Error::unsupported("ValidationError", "An AccountId other than the caller's"));
    }
    if query.label.as_ref().is_some_and(|label| label.contains("${")) {
        return Err(Error::unsupported("ValidationError", &format!("A dynamic label ({place}.Label)")));
    }
    let what = match (&query.metric_stat, &query.expression) {
        (Some(_), Some(_)) => {
            return Err(exclusive(&format!("{place}.Expression"), &format!("{place}.MetricStat")));
        }
        (None, None) => {
            let text = format!("Either {place}.Expression or {place}.MetricStat must be specified.");
            return Err(validation(text));
        }
        (Some(_), None) if query.period.is_some() => {
            return Err(exclusive(&format!("{place}.Period"), &format!("{place}.MetricStat")));
        }
        (Some(stat), None) => {
            What::Metric(Box::new(parse_stat(context, &format!("{place}.MetricStat"), stat)?))
        }
        (None, Some(expression)) => {
            if expression.trim_start().get(..7).is_some_and(|word| word.eq_ignore_ascii_case("SELECT ")) {
                return Err(Error::unsupported("ValidationError", "CloudWatch Metrics Insights (SELECT)"));
            }
            What::Expression(parse_expression(expression).map_err(|what| wrong(&query.id, &what))?)
        }
    };
    let period_s = query.period.map(i64::from);
    if let Some(period_s) = period_s {
        check_period(&format!("{place}.Period"), period_s)?;
    }
    Ok(Query {
        id: query.id.clone(),
        what,
        label: query.label.clone().unwrap_or_default(),
        is_returned: query.return_data.unwrap_or(true),
        period_s,
    })
}

fn check_period(place: &str, period_s: i64) -> Result<(), Error> {
    if is_period(period_s) {
        return Ok(());
    }
    Err(validation(format!("The parameter {place} must be 1, 5, 10, 20, 30, or a multiple of 60.")))
}

fn parse_stat(context: &Context, place: &str, stat: &MetricStat) -> Result<Wanted, Error> {
    let required = |name: &str| validation(format!("The parameter {place}.Metric.{name} is required."));
    let namespace = stat.metric.namespace.as_ref().ok_or_else(|| required("Namespace"))?;
    let name = stat.metric.metric_name.as_ref().ok_or_else(|| required("MetricName"))?;
    let period_s = i64::from(stat.period);
    check_period(&format!("{place}.Period"), period_s)?;
    let statistic = Statistic::parse(&stat.stat).ok_or_else(|| {
        validation(format!("The value {} for parameter {place}.Stat is not supported.", stat.stat))
    })?;
    let dimensions = dimensions_of(stat.metric.dimensions.clone());
    Ok(Wanted {
        metric: Metric::new(&context.account, &context.region, namespace, name, dimensions),
        statistic,
        stat: stat.stat.clone(),
        period_s,
        unit: unit_of(stat.unit.as_ref())?,
    })
}

/// A metric without a label gets its name, and its statistic and its period where those of the queries differ.
fn make_labels(queries: &mut [Query]) {
    let (mut stats, mut periods) = (BTreeSet::new(), BTreeSet::new());
    for query in &*queries {
        if let What::Metric(wanted) = &query.what {
            stats.insert(wanted.stat.clone());
            periods.insert(wanted.period_s);
        }
    }
    for query in queries {
        if let What::Metric(wanted) = &query.what
            && query.label.is_empty()
        {
            let mut parts = vec![wanted.metric.name.clone()];
            if stats.len() > 1 {
                parts.push(wanted.stat.clone());
            }
            if periods.len() > 1 {
                parts.push(wanted.period_s.to_string());
            }
            query.label = parts.join(" ");
        }
    }
}

/// The period of the first metric.
pub(super) fn first_period_s(queries: &[Query]) -> Option<i64> {
    queries.iter().find_map(|query| match &query.what {
        What::Metric(wanted) => Some(wanted.period_s),
        What::Expression(_) => None,
    })
}

/// Expressions after those that they refer to.
pub(super) fn in_order(queries: &[Query]) -> Result<Vec<&Query>, Error> {
    let expressions: BTreeSet<&str> =
        queries.iter().filter(|query| !query.is_metric()).map(|query| query.id.as_str()).collect();
    let mut waiting: Vec<(&Query, BTreeSet<&str>)> = Vec::new();
    for query in queries {
        let mut needs = BTreeSet::new();
        if let What::Expression(expression) = &query.what {
            expression.walk(&mut |part| {
                if let Expression::Name(id) = part
                    && let Some(id) = expressions.get(id.as_str())
                {
                    needs.insert(*id);
                }
            });
            waiting.push((query, needs));
        }
    }
    let mut ordered: Vec<&Query> = Vec::new();
    while !waiting.is_empty() {
        let (ready, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|(_, needs)| needs.iter().all(|id| ordered.iter().any(|query| query.id == *id)));
        if ready.is_empty() {
            let id = rest.first().map_or("", |(query, _)| query.id.as_str());
            return Err(wrong(id, "The expression refers to itself."));
        }
        ordered.extend(ready.into_iter().map(|(query, _)| query));
        waiting = rest;
    }
    Ok(ordered)
}
