//! One operation per file.

pub(crate) mod get_metric_data;
pub(crate) mod get_metric_statistics;
pub(crate) mod list_metrics;
pub(crate) mod put_metric_data;

use api_cloudwatch::Dimension;
use wire::Error;

use crate::errors::invalid;
use crate::metric::find_unit;

/// The dimensions of a query.
fn dimensions_of(dimensions: Option<Vec<Dimension>>) -> Vec<(String, String)> {
    dimensions.into_iter().flatten().map(|dimension| (dimension.name, dimension.value)).collect()
}

/// The unit a query asks for.
fn unit_of(unit: Option<&api_cloudwatch::StandardUnit>) -> Result<Option<&'static str>, Error> {
    let Some(unit) = unit else { return Ok(None) };
    find_unit(unit.as_str())
        .map(Some)
        .ok_or_else(|| invalid(format!("The value {} for parameter Unit is invalid.", unit.as_str())))
}
