//! One stream.

use std::sync::Arc;

use clock::Hold;
use store::{StoreError, Transaction};
use targets::Prepared;

use crate::streams::Platform;
use crate::{
    NewRecord, Position, Put, PutFailure, Read, ReadLimits, Settings, Shard, ShardId, StreamError, StreamId,
};

/// One stream. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stream {
    id: StreamId,
    settings: Arc<Settings>,
    platform: Arc<Platform>,
}

fn unfinished<T>() -> Result<T, StreamError> {
    Err(StoreError::Unavailable("streams are not finished".to_owned()).into())
}

impl Stream {
    pub(crate) fn new(id: StreamId, settings: Settings, platform: Arc<Platform>) -> Self {
        Self { id, settings: Arc::new(settings), platform }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &StreamId {
        &self.id
    }

    /// How it behaves.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.clone()
    }

    /// What is to be written so that the stream begins with `count` shards of equal ranges; joins the commit that makes
    /// the stream itself.
    pub fn prepare_shards(&self, count: u32) -> Prepared {
        let _ = (count, &self.platform);
        Prepared::new(self.id.0.clone(), Transaction::new(), |_| {})
    }

    /// What is to be written to delete all of it. Its records go in the background; readers and writers get
    /// [`StreamError::Removed`].
    pub fn prepare_remove(&self) -> Prepared {
        Prepared::new(self.id.0.clone(), Transaction::new(), |_| {})
    }

    /// All shards that still have or may get records, by number: also closed ones until their records have expired.
    ///
    /// # Errors
    /// When the store fails or the stream was removed.
    pub async fn shards(&self) -> Result<Vec<Shard>, StreamError> {
        unfinished()
    }

    /// Puts records; each is accepted or not by itself, in order.
    ///
    /// # Errors
    /// When nothing could be put: the store failed, or the stream was removed.
    pub async fn put(&self, records: Vec<NewRecord>) -> Result<Vec<Result<Put, PutFailure>>, StreamError> {
        let _ = records;
        unfinished()
    }

    /// Reads; nothing at the tip.
    ///
    /// # Errors
    /// [`StreamError::NoShard`], and when the store fails or the stream was removed.
    pub async fn read(
        &self,
        shard: ShardId,
        from: Position,
        limits: ReadLimits,
    ) -> Result<Read, StreamError> {
        let _ = (shard, from, limits);
        unfinished()
    }

    /// [`Stream::read`] for a poller in this process: at the tip of an open shard it waits for the next record, or for the
    /// end of the shard. May be dropped at any time. Virtual time stands still until the [`Hold`] is dropped.
    ///
    /// # Errors
    /// As [`Stream::read`].
    pub async fn read_held(
        &self,
        shard: ShardId,
        from: Position,
        limits: ReadLimits,
    ) -> Result<(Read, Hold), StreamError> {
        let _ = (shard, from, limits);
        unfinished()
    }

    /// Turns a position that depends on now ([`Position::Latest`], [`Position::AtTimestamp`]) into one that does not.
    ///
    /// # Errors
    /// As [`Stream::read`].
    pub async fn resolve(&self, shard: ShardId, position: Position) -> Result<Position, StreamError> {
        let _ = (shard, position);
        unfinished()
    }

    /// Waits until the shards are others than `known`, which [`Stream::shards`] answered: one was split or merged, or is
    /// gone. May be dropped at any time.
    ///
    /// # Errors
    /// [`StreamError::Removed`].
    pub async fn resharded(&self, known: &[Shard]) -> Result<Hold, StreamError> {
        let _ = known;
        unfinished()
    }

    /// Closes a shard and opens two: up to before `starting_hash_key`, and from there.
    ///
    /// # Errors
    /// [`StreamError::HashKey`] when the key does not lie inside, [`StreamError::Closed`], [`StreamError::NoShard`], and
    /// when the store fails.
    pub async fn split(&self, shard: ShardId, starting_hash_key: u128) -> Result<(), StreamError> {
        let _ = (shard, starting_hash_key);
        unfinished()
    }

    /// Closes two neighbours and opens one.
    ///
    /// # Errors
    /// [`StreamError::HashKey`] when they are not neighbours; else as [`Stream::split`].
    pub async fn merge(&self, shard: ShardId, adjacent: ShardId) -> Result<(), StreamError> {
        let _ = (shard, adjacent);
        unfinished()
    }
}
