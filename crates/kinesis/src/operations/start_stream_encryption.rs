//! `StartStreamEncryption`: the key is kept and shown. There are no keys here to encrypt with.

use std::sync::Arc;

use api_kinesis::{EncryptionType, StartStreamEncryptionInput};
use clock::Timestamp;
use wire::{Context, Error};

use crate::background::changes::still;
use crate::errors::invalid;
use crate::service::Inner;
use crate::stream_reference::reference;
use crate::tables::Change;

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    mut input: StartStreamEncryptionInput,
) -> Result<(), Error> {
    let key = reference!(input).key(context)?;
    check_type(&input.encryption_type)?;
    let mut stream = still(inner, &key).await?;
    if stream.record.key_id.is_none() {
        // Records know when they arrived in whole milliseconds.
        stream.record.encrypted_since = Some(Timestamp::from_millis(inner.clock.now().as_millis()));
    }
    stream.record.key_id = Some(input.key_id);
    stream.begin(Change::Settle).await
}

/// "The only valid value is KMS" (API reference).
pub(super) fn check_type(given: &EncryptionType) -> Result<(), Error> {
    match given {
        EncryptionType::Kms => Ok(()),
        other => Err(invalid(format!("EncryptionType {} is invalid: it must be KMS.", other.as_str()))),
    }
}
