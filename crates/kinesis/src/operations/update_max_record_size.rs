//! `UpdateMaxRecordSize`.

use std::sync::Arc;

use api_kinesis::UpdateMaxRecordSizeInput;
use wire::{Context, Error};

use crate::background::changes::still;
use crate::service::Inner;
use crate::stream_reference::StreamReference;
use crate::tables::Change;

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    input: UpdateMaxRecordSizeInput,
) -> Result<(), Error> {
    let reference = StreamReference { name: None, arn: input.stream_arn, id: input.stream_id };
    let key = reference.key(context)?;
    let mut stream = still(inner, &key).await?;
    stream.record.record_kib_max = input.max_record_size_in_ki_b.unsigned_abs();
    stream.begin(Change::Settle).await
}
