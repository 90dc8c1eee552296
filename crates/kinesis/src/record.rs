//! Records on their way into a stream.

use bytes::Bytes;
use stream::{NewRecord, ShardId};
use wire::Error;

use crate::directory::OpenStream;
use crate::errors::{invalid, invalid_input};

/// A record as a request has it.
#[derive(Debug)]
pub(crate) struct Draft {
    /// What the request calls it, such as `records.1.member.`.
    path: String,
    data: Bytes,
    partition_key: String,
    explicit_hash_key: Option<String>,
}

impl Draft {
    pub(crate) fn new(
        path: String,
        data: Bytes,
        partition_key: Option<String>,
        explicit_hash_key: Option<String>,
    ) -> Result<Self, Error> {
        // The model lets it be left out for streams that distribute records by themselves, which there are none of here.
        let partition_key = partition_key.ok_or_else(|| {
            invalid_input(format!(
                "1 validation error detected: Value null at '{path}partitionKey' failed to satisfy constraint: Member must \
                 not be null"
            ))
        })?;
        Ok(Self { path, data, partition_key, explicit_hash_key })
    }

    /// What counts against the limits.
    pub(crate) fn size_bytes(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }

    /// The record, if this stream takes it.
    pub(crate) fn check(self, open: &OpenStream) -> Result<NewRecord, Error> {
        let bytes_max = open.record.record_kib_max as usize * 1_024;
        if self.size_bytes() > bytes_max {
            return Err(invalid_input(format!(
                "1 validation error detected: Value at '{}data' failed to satisfy constraint: Member must have length less \
                 than or equal to {bytes_max}",
                self.path
            )));
        }
        let Self { data, partition_key, explicit_hash_key, .. } = self;
        let explicit_hash_key = explicit_hash_key.map(|key| hash_key(&key)).transpose()?;
        Ok(NewRecord { partition_key, explicit_hash_key, larger_than: None, data })
    }
}

fn hash_key(text: &str) -> Result<u128, Error> {
    text.parse().map_err(|_| {
        invalid(format!(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {text}"
        ))
    })
}

/// What a shard that is too busy is said to be.
pub(crate) fn rate_exceeded(open: &OpenStream, shard: ShardId) -> String {
    let (name, account) = (&open.key.name, &open.key.account);
    format!("Rate exceeded for shard {shard} in stream {name} under account {account}.")
}
