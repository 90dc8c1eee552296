//! Metrics by namespace and name, in the order in which they are listed.

use clock::Timestamp;
use ids::{AccountId, Region};
use serde::{Deserialize, Serialize};
use store::{KeyPart, StoreError, Table};

use crate::metric::{Metric, SeriesId};

/// Thirty dimensions fill more than a small record.
pub(crate) const METRICS: Table<MetricRow> = Table::of_large_records("cloudwatch.metrics");

/// What is known of a metric besides its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MetricRow {
    pub(crate) dimensions: Vec<(String, String)>,
    /// The time of about the newest value.
    pub(crate) newest: Timestamp,
}

/// The key of a metric's row.
pub(crate) fn metric_parts<'a>(metric: &'a Metric, id: &'a SeriesId) -> [KeyPart<'a>; 5] {
    [
        metric.account.as_str().into(),
        metric.region.as_str().into(),
        metric.namespace.as_str().into(),
        metric.name.as_str().into(),
        id.0[..].into(),
    ]
}

/// The metric of a row.
pub(crate) fn metric_of(key: &[u8], row: &MetricRow) -> Result<(SeriesId, Metric), StoreError> {
    let damaged = || StoreError::Damaged("a metric's key names no account, region or series".to_owned());
    let mut reader = METRICS.read_key(key)?;
    let account = AccountId::parse(&reader.str()?).map_err(|_| damaged())?;
    let region = Region::parse(&reader.str()?).map_err(|_| damaged())?;
    let (namespace, name) = (reader.str()?, reader.str()?);
    let id = reader.bytes()?.try_into().map_err(|_| damaged())?;
    Ok((SeriesId(id), Metric { account, region, namespace, name, dimensions: row.dimensions.clone() }))
}
