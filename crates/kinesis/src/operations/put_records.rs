//! `PutRecords`: each record is accepted or not by itself, unless one of them breaks a rule.

use std::sync::Arc;

use api_kinesis::{PutRecordsInput, PutRecordsOutput, PutRecordsResultEntry};
use clock::Stopwatch;
use stream::{Put, PutFailure};
use wire::{Context, Error};

use crate::background::changes;
use crate::directory::OpenStream;
use crate::errors::{dry_run, invalid, stream_failed};
use crate::record::{Draft, rate_exceeded};
use crate::service::Inner;
use crate::stream_reference::reference;
use crate::{description, metrics};

/// "up to a limit of 10 MiB for the entire request, including partition keys" (API reference).
const REQUEST_BYTES_MAX: usize = 10 << 20;

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    mut input: PutRecordsInput,
) -> Result<PutRecordsOutput, Error> {
    let stopwatch = Stopwatch::start();
    let reference = reference!(input);
    let mut drafts = Vec::with_capacity(input.records.len());
    for (position, entry) in (1..).zip(input.records) {
        let path = format!("records.{position}.member.");
        drafts.push(Draft::new(path, entry.data, entry.partition_key, entry.explicit_hash_key)?);
    }
    let open = reference.find_usable(inner, context).await?;
    let (mut sizes_bytes, mut records) = (Vec::new(), Vec::new());
    for draft in drafts {
        sizes_bytes.push(draft.size_bytes());
        records.push(draft.check(&open)?);
    }
    if sizes_bytes.iter().sum::<usize>() > REQUEST_BYTES_MAX {
        return Err(invalid("Records size exceeds 10 MB limit"));
    }
    if input.dry_run == Some(true) {
        return Err(dry_run());
    }
    let results = open.stream.put(records).await.map_err(|error| stream_failed(&open.key, &error))?;
    let outcomes = results.iter().zip(sizes_bytes).map(|(result, bytes)| match result {
        Ok(put) => Ok((put.shard, bytes)),
        Err(failure) => Err(*failure),
    });
    metrics::put_records(inner, &open, &outcomes.collect(), stopwatch.elapsed());
    if results.iter().any(|result| matches!(result, Err(PutFailure::Throttled(_)))) {
        changes::scale_up(inner, &open);
    }
    let failed = results.iter().filter(|result| result.is_err()).count();
    Ok(PutRecordsOutput {
        failed_record_count: Some(i32::try_from(failed).unwrap_or(i32::MAX)),
        records: results.into_iter().map(|result| entry(&open, result)).collect(),
        encryption_type: description::encryption(&open.record),
    })
}

fn entry(open: &OpenStream, result: Result<Put, PutFailure>) -> PutRecordsResultEntry {
    let failed = |code: &str, message| PutRecordsResultEntry {
        error_code: Some(code.to_owned()),
        error_message: Some(message),
        ..PutRecordsResultEntry::default()
    };
    match result {
        Ok(put) => PutRecordsResultEntry {
            sequence_number: Some(put.sequence_number.to_string()),
            shard_id: Some(put.shard.to_string()),
            ..PutRecordsResultEntry::default()
        },
        Err(PutFailure::Throttled(shard)) => {
            failed("ProvisionedThroughputExceededException", rate_exceeded(open, shard))
        }
        // Nobody can ask for an order here.
        Err(PutFailure::Ordering | PutFailure::Internal) => {
            failed("InternalFailure", "Internal Service Failure".to_owned())
        }
    }
}
