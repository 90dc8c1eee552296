//! `PutRecord`.

use std::sync::Arc;

use api_kinesis::{ProvisionedThroughputExceededException, PutRecordInput, PutRecordOutput};
use clock::Stopwatch;
use stream::{PutFailure, SequenceNumber};
use wire::{Context, Error};

use crate::background::changes;
use crate::directory::OpenStream;
use crate::errors::{dry_run, invalid, stream_failed};
use crate::record::{Draft, rate_exceeded};
use crate::service::Inner;
use crate::stream_reference::reference;
use crate::{description, metrics};

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    mut input: PutRecordInput,
) -> Result<PutRecordOutput, Error> {
    let stopwatch = Stopwatch::start();
    let reference = reference!(input);
    let draft = Draft::new(String::new(), input.data, input.partition_key, input.explicit_hash_key)?;
    let open = reference.find_usable(inner, context).await?;
    let ordering = input.sequence_number_for_ordering.unwrap_or_default();
    let larger_than = larger_than(&open, &ordering)?;
    let size_bytes = draft.size_bytes();
    let record = stream::NewRecord { larger_than, ..draft.check(&open)? };
    if input.dry_run == Some(true) {
        return Err(dry_run());
    }
    let results = open.stream.put(vec![record]).await.map_err(|error| stream_failed(&open.key, &error))?;
    let result = results.into_iter().next().unwrap_or(Err(PutFailure::Internal));
    let outcome = vec![result.as_ref().map(|put| (put.shard, size_bytes)).map_err(|failure| *failure)];
    metrics::put_record(inner, &open, &outcome, stopwatch.elapsed());
    match result {
        Ok(put) => Ok(PutRecordOutput {
            shard_id: put.shard.to_string(),
            sequence_number: put.sequence_number.to_string(),
            encryption_type: description::encryption(&open.record),
        }),
        Err(PutFailure::Throttled(shard)) => {
            changes::scale_up(inner, &open);
            let message = Some(rate_exceeded(&open, shard));
            Err(ProvisionedThroughputExceededException { message }.into())
        }
        Err(PutFailure::Ordering) => Err(ordering_invalid(&open, &ordering)),
        Err(PutFailure::Internal) => Err(Error::internal()),
    }
}

/// The number that the record's is to be larger than; `None` when all of ours are.
fn larger_than(open: &OpenStream, text: &str) -> Result<Option<SequenceNumber>, Error> {
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) if text.len() < SequenceNumber(0).to_string().len() => Ok(None),
        Err(_) => Err(ordering_invalid(open, text)),
    }
}

/// Also for a number that no record has yet.
fn ordering_invalid(open: &OpenStream, text: &str) -> Error {
    invalid(format!(
        "ExclusiveMinimumSequenceNumber {text} used in PutRecord on stream {} under account {} is invalid.",
        open.key.name, open.key.account
    ))
}
