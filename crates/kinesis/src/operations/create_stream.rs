//! `CreateStream`.

use std::collections::BTreeMap;
use std::sync::Arc;

use api_kinesis::{CreateStreamInput, RecordDistributionStrategy, StreamMode};
use store::Transaction;
use stream::StreamId;
use wire::{Context, Error};

use crate::account::{check_on_demand, usage};
use crate::background::changes;
use crate::errors::{invalid, store_failed, stream_exists};
use crate::service::Inner;
use crate::tables::{Change, Mode, STREAMS, StreamKey, StreamRecord};
use crate::tags;

/// "By default, on-demand data streams have ... four shards" ("Choose the right mode" in the developer guide).
const ON_DEMAND_SHARDS: u32 = 4;
/// "The default value is 24 hours" (developer guide).
const RETENTION_HOURS: u32 = 24;
/// "up to 1 MiB in size by default" (API reference, `GetRecords`).
const RECORD_KIB: u32 = 1_024;

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    input: CreateStreamInput,
) -> Result<(), Error> {
    let (mode, shards) = capacity(&input)?;
    if input.warm_throughput_mi_bps.is_some() {
        return Err(Error::unsupported("InvalidArgumentException", "WarmThroughputMiBps"));
    }
    if input.record_distribution_strategy == Some(RecordDistributionStrategy::Auto) {
        return Err(Error::unsupported("InvalidArgumentException", "RecordDistributionStrategy AUTO"));
    }
    let key = StreamKey {
        account: context.account.clone(),
        region: context.region.clone(),
        name: input.stream_name,
    };
    let record = StreamRecord {
        id: StreamId(inner.ids.request_id().to_string()),
        created: inner.clock.now(),
        change: Some(Change::Create),
        mode,
        retention_hours: RETENTION_HOURS,
        record_kib_max: input.max_record_size_in_ki_b.map_or(RECORD_KIB, i32::unsigned_abs),
        tags: tags::merge(&key, &BTreeMap::new(), input.tags.unwrap_or_default())?,
        key_id: None,
        encrypted_since: None,
        shard_level_metrics: Vec::new(),
        policy: None,
        scaled: Vec::new(),
        switched: Vec::new(),
    };
    let usage = usage(inner, context).await?;
    usage.check_shards(context, shards)?;
    if mode == Mode::OnDemand {
        check_on_demand(usage)?;
    }
    let turn = inner.directory.turn().await;
    if turn.read(&key).await?.is_some() {
        return Err(stream_exists(&key));
    }
    let hold = inner.clock.hold();
    let mut transaction = Transaction::new();
    STREAMS.insert(&mut transaction, &key.parts(), &record).map_err(|error| store_failed(&error))?;
    let shards = turn.engine(&key, &record).prepare_shards(shards);
    let committed = turn.commit(&key, transaction, Some(shards)).await;
    // It may be there even if that is not known.
    changes::spawn(inner, key, hold);
    committed
}

/// Who decides on the number of shards, and how many there are at first.
fn capacity(input: &CreateStreamInput) -> Result<(Mode, u32), Error> {
    let mode = input.stream_mode_details.as_ref().map(|details| &details.stream_mode);
    match (mode, input.shard_count) {
        // Recorded by a public test suite: a stream that nothing is said of is an on-demand one.
        (None | Some(StreamMode::OnDemand), None) => Ok((Mode::OnDemand, ON_DEMAND_SHARDS)),
        (Some(StreamMode::OnDemand), Some(_)) => {
            Err(invalid("ShardCount must not be specified for a stream in ON_DEMAND mode."))
        }
        (_, Some(shards)) => Ok((Mode::Provisioned, shards.unsigned_abs())),
        (_, None) => Err(invalid("ShardCount must be specified for a stream in PROVISIONED mode.")),
    }
}
