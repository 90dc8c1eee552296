//! `StopStreamEncryption`.

use std::sync::Arc;

use api_kinesis::StopStreamEncryptionInput;
use wire::{Context, Error};

use super::start_stream_encryption::check_type;
use crate::background::changes::still;
use crate::errors::invalid;
use crate::service::Inner;
use crate::stream_reference::reference;
use crate::tables::Change;

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    mut input: StopStreamEncryptionInput,
) -> Result<(), Error> {
    let key = reference!(input).key(context)?;
    check_type(&input.encryption_type)?;
    let mut stream = still(inner, &key).await?;
    if stream.record.key_id.as_ref().is_some_and(|present| *present != input.key_id) {
        return Err(invalid(format!(
            "Stream {} under account {} is not encrypted with the key {}.",
            key.name, key.account, input.key_id
        )));
    }
    (stream.record.key_id, stream.record.encrypted_since) = (None, None);
    stream.begin(Change::Settle).await
}
