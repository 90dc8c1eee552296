//! `GetRecords`.

use std::sync::Arc;

use api_kinesis::{GetRecordsInput, GetRecordsOutput, ProvisionedThroughputExceededException};
use clock::Stopwatch;
use stream::{ReadLimits, StreamError};
use wire::{Context, Error};

use crate::directory::OpenStream;
use crate::errors::{dry_run, invalid, shard_missing, stream_failed};
use crate::iterator::{self, Iterator};
use crate::record::rate_exceeded;
use crate::service::Inner;
use crate::stream_reference::StreamReference;
use crate::{description, metrics};

/// "The maximum number of records that can be returned per call is 10,000" (API reference).
const RECORDS_MAX: usize = 10_000;
/// "The maximum size of data that GetRecords can return is 10 MiB" (API reference).
const BYTES_MAX: usize = 10 << 20;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: GetRecordsInput,
) -> Result<GetRecordsOutput, Error> {
    let stopwatch = Stopwatch::start();
    let (open, iterator) = find(inner, context, &input).await?;
    let shard = iterator.shard;
    if input.dry_run == Some(true) {
        return Err(dry_run());
    }
    if !open.reads.admit(shard, inner.clock.now()) {
        metrics::read_throttled(inner, &open, shard);
        let message = Some(rate_exceeded(&open, shard));
        return Err(ProvisionedThroughputExceededException { message }.into());
    }
    let records = input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(RECORDS_MAX);
    let limits = ReadLimits { records, bytes: BYTES_MAX };
    let read = open.stream.read(shard, iterator.position, limits).await;
    let read = read.map_err(|error| match error {
        StreamError::NoShard => shard_missing(&open.key, shard),
        error => stream_failed(&open.key, &error),
    })?;
    open.reads.add(shard, read.records.iter().map(|record| record.data.len()).sum());
    metrics::got_records(inner, &open, shard, &read, stopwatch.elapsed());
    let child_shards = if read.is_end {
        let shards = open.stream.shards().await.map_err(|error| stream_failed(&open.key, &error))?;
        Some(description::children(&shards, shard))
    } else {
        None
    };
    let next = Iterator { position: read.next, made: inner.clock.now(), ..iterator };
    Ok(GetRecordsOutput {
        next_shard_iterator: (!read.is_end).then(|| next.seal(&open.record.id)),
        millis_behind_latest: Some(i64::try_from(read.behind.as_millis()).unwrap_or(i64::MAX)),
        child_shards,
        records: read.records.into_iter().map(|record| description::record(&open.record, record)).collect(),
    })
}

/// The stream that the iterator leads to.
async fn find(
    inner: &Inner,
    context: &Context,
    input: &GetRecordsInput,
) -> Result<(Arc<OpenStream>, Iterator), Error> {
    let sealed = iterator::read(&input.shard_iterator)?;
    let key = sealed.iterator.key.clone();
    let named = StreamReference {
        name: None,
        arn: Some(input.stream_arn.clone().unwrap_or_else(|| key.arn())),
        id: input.stream_id.clone(),
    };
    if named.key(context)? != key {
        return Err(invalid("StreamARN is not that of the stream that the ShardIterator was made for."));
    }
    let open = inner.directory.find(&key).await?.filter(|open| open.record.is_usable());
    let open = open.ok_or_else(|| shard_missing(&key, sealed.iterator.shard))?;
    let iterator = sealed.check(&open.record.id)?;
    iterator.check_age(inner.clock.now())?;
    Ok((open, iterator))
}
