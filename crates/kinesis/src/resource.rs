//! What tags and policies are attached to, by its ARN.

use ids::Arn;
use wire::{Context, Error};

use crate::errors::{access_denied, invalid, not_found};
use crate::tables::StreamKey;

/// The stream that an ARN names, which must be of this account and region.
pub(crate) fn stream(context: &Context, arn: &str, id: Option<&String>) -> Result<StreamKey, Error> {
    if id.is_some() {
        // "Not Implemented. Reserved for future use." (API reference)
        return Err(Error::unsupported("InvalidArgumentException", "StreamId"));
    }
    let key = Arn::parse(arn).ok().and_then(|arn| StreamKey::of_arn(&arn));
    let key = key.ok_or_else(|| invalid(format!("ResourceARN {arn} is invalid.")))?;
    if key.account != context.account {
        return Err(access_denied(&context.caller.arn, arn));
    }
    if key.region != context.region || key.arn() != arn {
        return Err(missing(arn));
    }
    Ok(key)
}

pub(crate) fn missing(arn: &str) -> Error {
    not_found(format!("Kinesis resource {arn} not found"))
}
