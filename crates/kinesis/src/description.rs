//! Streams and shards as answers show them.

use api_kinesis::{
    ChildShard, EncryptionType, EnhancedMetrics, HashKeyRange, SequenceNumberRange, StreamModeDetails,
};
use clock::Timestamp;
use stream::ShardId;
use wire::Error;

use crate::directory::OpenStream;
use crate::errors::stream_failed;
use crate::tables::{Change, Mode, StreamRecord};

/// A shard as answers show it.
pub(crate) fn shard(shard: &stream::Shard) -> api_kinesis::Shard {
    api_kinesis::Shard {
        shard_id: shard.id.to_string(),
        parent_shard_id: shard.parent.map(|parent| parent.to_string()),
        adjacent_parent_shard_id: shard.adjacent_parent.map(|parent| parent.to_string()),
        hash_key_range: hash_key_range(shard),
        sequence_number_range: SequenceNumberRange {
            starting_sequence_number: shard.starting.to_string(),
            ending_sequence_number: shard.closed.map(|(last, _)| last.to_string()),
        },
    }
}

pub(crate) fn hash_key_range(shard: &stream::Shard) -> HashKeyRange {
    HashKeyRange {
        starting_hash_key: shard.hash_keys.start().to_string(),
        ending_hash_key: shard.hash_keys.end().to_string(),
    }
}

/// The stream's shards; a stream that is being made or deleted shows none.
pub(crate) async fn shards(open: &OpenStream) -> Result<Vec<stream::Shard>, Error> {
    match open.record.change {
        Some(Change::Create | Change::Delete) => Ok(Vec::new()),
        _ => open.stream.shards().await.map_err(|error| stream_failed(&open.key, &error)),
    }
}

/// How many are open.
pub(crate) fn open_count(shards: &[stream::Shard]) -> u32 {
    u32::try_from(shards.iter().filter(|shard| shard.closed.is_none()).count()).unwrap_or(u32::MAX)
}

/// The shards that came out of this one.
pub(crate) fn children(shards: &[stream::Shard], of: ShardId) -> Vec<ChildShard> {
    let is_child = |shard: &&stream::Shard| shard.parent == Some(of) || shard.adjacent_parent == Some(of);
    let children = shards.iter().filter(is_child).map(|shard| ChildShard {
        shard_id: shard.id.to_string(),
        parent_shards: shard.parent.iter().chain(&shard.adjacent_parent).map(ToString::to_string).collect(),
        hash_key_range: hash_key_range(shard),
    });
    children.collect()
}

/// A record as answers show it.
pub(crate) fn record(of: &StreamRecord, record: stream::Record) -> api_kinesis::Record {
    // Only those that came after encryption was started.
    let is_encrypted = of.key_id.is_some() && of.encrypted_since.is_some_and(|since| since <= record.arrived);
    api_kinesis::Record {
        sequence_number: record.sequence_number.to_string(),
        approximate_arrival_timestamp: Some(Timestamp::from_millis(record.arrived.as_millis())),
        data: record.data,
        partition_key: Some(record.partition_key),
        encryption_type: is_encrypted.then_some(EncryptionType::Kms),
    }
}

/// What `PutRecord` and `PutRecords` say of it: nothing when there is none.
pub(crate) fn encryption(record: &StreamRecord) -> Option<EncryptionType> {
    record.key_id.as_ref().map(|_| EncryptionType::Kms)
}

pub(crate) fn mode(mode: Mode) -> StreamModeDetails {
    let stream_mode = match mode {
        Mode::Provisioned => api_kinesis::StreamMode::Provisioned,
        Mode::OnDemand => api_kinesis::StreamMode::OnDemand,
    };
    StreamModeDetails { stream_mode }
}

pub(crate) fn encryption_type(record: &StreamRecord) -> EncryptionType {
    if record.key_id.is_some() { EncryptionType::Kms } else { EncryptionType::None }
}

pub(crate) fn monitoring(record: &StreamRecord) -> Vec<EnhancedMetrics> {
    let names = record.shard_level_metrics.iter().map(|name| name.as_str().into()).collect();
    vec![EnhancedMetrics { shard_level_metrics: Some(names) }]
}
