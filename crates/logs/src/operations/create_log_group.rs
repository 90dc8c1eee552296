//! `CreateLogGroup`.

use api_logs::{CreateLogGroupRequest, LogGroupClass};
use store::{CommitError, Transaction};
use wire::{Context, Error};

use crate::errors::{commit_failed, group_exists, invalid, store_failed};
use crate::group::{check_tags, key_parts};
use crate::service::Inner;
use crate::tables::{GROUPS, Group};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: CreateLogGroupRequest,
) -> Result<(), Error> {
    let unsupported = |what| Err(Error::unsupported("InvalidParameterException", what));
    if input.kms_key_id.is_some() {
        return unsupported("kmsKeyId (encryption with a key of one's own)");
    }
    if input.log_group_class.is_some_and(|class| class != LogGroupClass::Standard) {
        return unsupported("logGroupClass other than STANDARD");
    }
    if input.deletion_protection_enabled == Some(true) {
        return unsupported("deletionProtectionEnabled");
    }
    // "Log group names can't start with the string aws/" (API reference, CreateLogGroup).
    if input.log_group_name.to_ascii_lowercase().starts_with("aws/") {
        return Err(invalid("Log groups starting with AWS/ are reserved for AWS."));
    }
    let tags = input.tags.unwrap_or_default();
    check_tags(&tags)?;

    let group = Group {
        id: inner.ids.bits(),
        created_ms: inner.clock.now().as_millis(),
        retention_days: None,
        expiry_due: None,
        tags,
    };
    let mut transaction = Transaction::new();
    GROUPS
        .insert(&mut transaction, &key_parts(context, &input.log_group_name), &group)
        .map_err(|error| store_failed(&error))?;
    match inner.store.commit(transaction).await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict(_)) => Err(group_exists()),
        Err(error) => Err(commit_failed(error)),
    }
}
