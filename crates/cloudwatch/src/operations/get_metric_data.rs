//! `GetMetricData`: several metrics, and what is computed from them.

mod page;
mod queries;
mod results;

use std::collections::BTreeMap;

use api_cloudwatch::{GetMetricDataInput, GetMetricDataOutput, MessageData};
use wire::{Context, Error};

use crate::errors::{expression as wrong, read_failed, validation};
use crate::expression::{Scope, Value, evaluate};
use crate::reader::Window;
use crate::service::Inner;
use page::Page;
use queries::{Query, What};
use results::{Messages, Source};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: GetMetricDataInput,
) -> Result<GetMetricDataOutput, Error> {
    if input.start_time >= input.end_time {
        return Err(validation("The parameter StartTime must be less than the parameter EndTime."));
    }
    let page = Page::of(&input)?;
    let queries = queries::parse(context, &input.metric_data_queries)?;
    let window = |period_s| Window::new(input.start_time, input.end_time, period_s, inner.clock.now());

    inner.refresh(window(60).covers_now()).await;
    let snapshot = inner.store.snapshot().await.map_err(read_failed)?;
    let mut source = Source::new(&*snapshot, context, &window);
    let metrics: Vec<String> =
        queries.iter().filter(|query| query.is_metric()).map(|query| query.id.clone()).collect();
    let mut results: BTreeMap<String, Value> = BTreeMap::new();
    let mut messages: Messages = Messages::new();
    for query in &queries {
        if let What::Metric(metric) = &query.what {
            let (figures, said) = source.read_metric(metric, query.label.clone()).await?;
            messages.extend(said.map(|said| (query.id.clone(), said)));
            results.insert(query.id.clone(), Value::Series(figures));
        }
    }
    for query in queries::in_order(&queries)? {
        let What::Expression(expression) = &query.what else { continue };
        let period_s = query.period_s.or_else(|| queries::first_period_s(&queries)).unwrap_or(60);
        let found = source.search(&query.id, expression, period_s).await?;
        let scope = Scope { results: &results, metrics: &metrics, found: &found, window: window(period_s) };
        let value = evaluate(expression, &scope).map_err(|what| wrong(&query.id, &what))?;
        check_period(query, &value)?;
        source.count(&value)?;
        results.insert(query.id.clone(), value);
    }
    let too_many = source.found_too_many();
    let mut shown = Vec::new();
    for query in queries.iter().filter(|query| query.is_returned) {
        results::show(&mut shown, query, results.get(&query.id), messages.remove(&query.id), page.order)?;
    }
    let (metric_data_results, next_token) = page.cut(shown);
    let messages = too_many.then(|| MessageData {
        code: Some("MaxMetricsExceeded".to_owned()),
        value: Some("Maximum number of allowed metrics exceeded".to_owned()),
    });
    Ok(GetMetricDataOutput {
        metric_data_results: Some(metric_data_results),
        next_token,
        messages: Some(messages.into_iter().collect()),
    })
}

/// A period that an expression is given must be that of what it is made of: nothing is put together again.
fn check_period(query: &Query, value: &Value) -> Result<(), Error> {
    let Some(period_s) = query.period_s else { return Ok(()) };
    let figures = match value {
        Value::Scalar(_) => &[],
        Value::Series(figures) => std::slice::from_ref(figures),
        Value::Array(array) => &array[..],
    };
    if figures.iter().all(|figures| figures.window.period_s == period_s) {
        return Ok(());
    }
    Err(Error::unsupported(
        "ValidationError",
        &format!("A Period of expression '{}' other than that of its metrics", query.id),
    ))
}
