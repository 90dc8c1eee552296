//! `ListMetrics`: what has had values in the last two weeks.

use std::time::Duration;

use api_cloudwatch::{Dimension, DimensionFilter, ListMetricsInput, ListMetricsOutput, RecentlyActive};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use store::{Bytes, KeyPart};
use wire::{Context, Error};

use crate::errors::{invalid, read_failed, store_failed};
use crate::metric::Metric;
use crate::service::Inner;
use crate::tables::{METRICS, metric_of};

/// API reference, `ListMetrics`.
const PAGE: usize = 500;
const LISTED_FOR: Duration = Duration::from_secs(14 * 86_400);
/// "as much as 50 minutes more than the specified time interval": a metric's row stays behind by a few.
const RECENT: Duration = Duration::from_secs(3 * 3_600 + 10 * 60);

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ListMetricsInput,
) -> Result<ListMetricsOutput, Error> {
    let linked = check_accounts(context, &input)?;
    let since = inner.clock.now()
        - match input.recently_active {
            Some(RecentlyActive::Pt3h) => RECENT,
            _ => LISTED_FOR,
        };
    let mut parts: Vec<KeyPart<'_>> = vec![context.account.as_str().into(), context.region.as_str().into()];
    let mut after = read_token(&METRICS.key(&parts), input.next_token.as_deref())?;
    if let Some(namespace) = &input.namespace {
        parts.push(namespace.into());
        parts.extend(input.metric_name.as_ref().map(KeyPart::from));
    }
    let filters = input.dimensions.as_deref().unwrap_or_default();

    inner.refresh(true).await;
    let snapshot = inner.store.snapshot().await.map_err(read_failed)?;
    let mut metrics: Vec<api_cloudwatch::Metric> = Vec::new();
    let mut next_token = None;
    'pages: loop {
        let rows = METRICS.list(&*snapshot, &parts, after.as_deref(), PAGE).await;
        let rows = rows.map_err(|error| store_failed(&error))?;
        let full = rows.len() == PAGE;
        for row in rows {
            let (_, metric) = metric_of(&row.key, &row.record).map_err(read_failed)?;
            let named = input.metric_name.as_ref().is_none_or(|name| *name == metric.name);
            if !named || row.record.newest < since || !matches(&metric, filters) {
                after = Some(row.key);
                continue;
            }
            if metrics.len() == PAGE {
                // There is at least one more.
                next_token = after.as_ref().map(|last| URL_SAFE_NO_PAD.encode(last));
                break 'pages;
            }
            metrics.push(show(metric));
            after = Some(row.key);
        }
        if !full {
            break;
        }
    }
    let owning_accounts = linked.then(|| vec![context.account.to_string(); metrics.len()]);
    Ok(ListMetricsOutput { metrics: Some(metrics), next_token, owning_accounts })
}

/// No accounts are linked: the caller's own is all there is to see. Returns whether its id is to be shown.
fn check_accounts(context: &Context, input: &ListMetricsInput) -> Result<bool, Error> {
    let linked = input.include_linked_accounts.unwrap_or(false);
    if let Some(account) = &input.owning_account {
        if !linked {
            let text = "The parameter OwningAccount requires that IncludeLinkedAccounts is true.";
            return Err(invalid(text));
        }
        if account != context.account.as_str() {
            return Err(Error::unsupported(
                "InvalidParameterValue",
                "An OwningAccount other than the caller's",
            ));
        }
    }
    Ok(linked)
}

/// "If you specify one dimension name and a metric has that dimension and also other dimensions, it will be returned."
fn matches(metric: &Metric, filters: &[DimensionFilter]) -> bool {
    filters.iter().all(|filter| {
        metric.dimensions.iter().any(|(name, value)| {
            *name == filter.name && filter.value.as_ref().is_none_or(|wanted| wanted == value)
        })
    })
}

fn show(metric: Metric) -> api_cloudwatch::Metric {
    let dimensions = metric.dimensions.into_iter().map(|(name, value)| Dimension { name, value }).collect();
    api_cloudwatch::Metric {
        namespace: Some(metric.namespace),
        metric_name: Some(metric.name),
        dimensions: Some(dimensions),
    }
}

/// A token is the key of the last row; `own` begins the keys of the caller's.
fn read_token(own: &[u8], token: Option<&str>) -> Result<Option<Bytes>, Error> {
    let Some(token) = token else { return Ok(None) };
    match URL_SAFE_NO_PAD.decode(token) {
        Ok(key) if key.starts_with(own) => Ok(Some(key.into())),
        _ => Err(invalid("The value for parameter NextToken is invalid.")),
    }
}
