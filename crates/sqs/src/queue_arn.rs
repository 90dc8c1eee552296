//! Queues that requests name by their ARNs.

use std::sync::Arc;

use ids::Arn;
use wire::{Context, Error};

use crate::directory::OpenQueue;
use crate::errors::{invalid, resource_missing};
use crate::service::Inner;
use crate::tables::QueueKey;

/// The queue that `parameter` names, which must be of this account and region.
pub(crate) async fn find(
    inner: &Inner,
    context: &Context,
    arn: &str,
    parameter: &str,
) -> Result<Arc<OpenQueue>, Error> {
    let key = Arn::parse(arn).ok().and_then(|arn| QueueKey::of_arn(&arn)).ok_or_else(|| {
        invalid(format!(
            "You must use this format to specify the {parameter}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        ))
    })?;
    if key.account != context.account || key.region != context.region {
        return Err(resource_missing(parameter));
    }
    inner.directory.find_key(&key).await?.ok_or_else(|| resource_missing(parameter))
}
