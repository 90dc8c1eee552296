//! Streams.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::{AccountId, Arn, Region};
use serde::{Deserialize, Serialize};
use store::{KeyPart, Table};
use stream::{ShardId, StreamId};

/// Names a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct StreamKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl StreamKey {
    /// The stream that an ARN names, which may be that of one of its consumers.
    pub(crate) fn of_arn(arn: &Arn) -> Option<Self> {
        let name = arn.resource.strip_prefix("stream/")?;
        let name = name.split_once('/').map_or(name, |(name, _consumer)| name);
        if arn.service != "kinesis" || name.is_empty() {
            return None;
        }
        Some(Self {
            account: AccountId::parse(&arn.account).ok()?,
            region: Region::parse(&arn.region).ok()?,
            name: name.to_owned(),
        })
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:kinesis:{}:{}:stream/{}", self.region, self.account, self.name)
    }

    pub(crate) fn parts(&self) -> [KeyPart<'_>; 3] {
        [self.account.as_str().into(), self.region.as_str().into(), self.name.as_str().into()]
    }
}

/// Who decides on the number of shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    /// The caller.
    Provisioned,
    /// We.
    OnDemand,
}

/// What is being done to a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// It was made just now.
    Create,
    /// Another setting takes effect.
    Settle,
    /// A shard is split.
    Split { shard: ShardId, starting_hash_key: u128 },
    /// Two shards are merged.
    Merge { shard: ShardId, adjacent: ShardId },
    /// Shards are split and merged until there are so many, of equal ranges.
    Scale { shards: u32 },
    /// It goes.
    Delete,
}

/// A stream. What it consists of is known to `stream`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    /// Names its records. Never shown: iterators are sealed with it.
    pub(crate) id: StreamId,
    pub(crate) created: Timestamp,
    /// What is under way: the stream's status follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<Change>,
    pub(crate) mode: Mode,
    pub(crate) retention_hours: u32,
    /// The most that a record's data and its partition key may have.
    pub(crate) record_kib_max: u32,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    /// The key that records are said to be encrypted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encrypted_since: Option<Timestamp>,
    /// Those that were enabled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) shard_level_metrics: Vec<String>,
    /// The resource policy, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
    /// When `UpdateShardCount` was called in the last 24 hours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) scaled: Vec<Timestamp>,
    /// When `UpdateStreamMode` was called in the last 24 hours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) switched: Vec<Timestamp>,
}

impl StreamRecord {
    /// `StreamStatus`.
    pub(crate) const fn status(&self) -> &'static str {
        match self.change {
            None => "ACTIVE",
            Some(Change::Create) => "CREATING",
            Some(Change::Delete) => "DELETING",
            Some(_) => "UPDATING",
        }
    }

    /// Whether records can be put and got.
    pub(crate) const fn is_usable(&self) -> bool {
        !matches!(self.change, Some(Change::Create | Change::Delete))
    }
}

/// The key is (account, region, name).
pub(crate) const STREAMS: Table<StreamRecord> = Table::of_large_records("kinesis-stream");
