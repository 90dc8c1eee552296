//! `GetMetricData`: several metrics, and what is computed from them.

use api_cloudwatch::{GetMetricDataInput, GetMetricDataOutput};
use wire::{Context, Error};

use crate::service::Inner;

pub(crate) async fn handle(
    _inner: &Inner,
    _context: &Context,
    _input: GetMetricDataInput,
) -> Result<GetMetricDataOutput, Error> {
    Err(Error::not_implemented("cloudwatch", "GetMetricData"))
}
