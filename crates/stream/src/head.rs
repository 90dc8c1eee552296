//! What is in memory of a stream: a cache over the store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use clock::{Hold, Timestamp};

use crate::bucket::Bucket;
use crate::row::Row;
use crate::tail::Tail;
use crate::waiters::Waiters;
use crate::write::Request;
use crate::{NewRecord, Put, SequenceNumber, Settings, Shard, ShardId};

/// How much of it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing.
    Unloaded,
    /// Its shards.
    Loaded,
    /// It was removed.
    Removed,
}

/// A stream in memory.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) settings: Arc<Settings>,
    pub(crate) stage: Stage,
    /// Counts how often all was forgotten. What was read or written before that says nothing about now.
    pub(crate) epoch: u64,
    shards: BTreeMap<ShardId, ShardHead>,
    /// The open shards, by the first of their hash keys.
    routes: BTreeMap<u128, ShardId>,
    /// What arrived then or before has expired.
    pub(crate) floor: Timestamp,
    pub(crate) resharded: Waiters,
    /// What is to be written.
    pub(crate) pending: VecDeque<Request>,
    pub(crate) is_writing: bool,
}

/// A shard in memory.
#[derive(Debug)]
pub(crate) struct ShardHead {
    pub(crate) shard: Shard,
    /// `None` before the shard is used.
    pub(crate) tip: Option<Tip>,
    pub(crate) waiters: Waiters,
    pub(crate) bucket: Bucket,
}

/// The end of a shard.
#[derive(Debug)]
pub(crate) struct Tip {
    /// The last number that was given to a record, whatever became of it.
    pub(crate) given: SequenceNumber,
    /// The last record that readers may see, or the start of the shard.
    pub(crate) published: SequenceNumber,
    pub(crate) tail: Tail,
}

/// What became of a record's wish for a number.
pub(crate) enum Numbered {
    Given(Put),
    Throttled(ShardId),
    /// It is to be larger than a number that is not given yet.
    Ordering,
    /// It is not known where the shard ends.
    TipUnknown(ShardId),
    /// There is no open shard.
    NoShard,
}

/// A shard whose end is known.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) shard: &'a Shard,
    pub(crate) tip: &'a mut Tip,
    /// What arrived then or before has expired.
    pub(crate) floor: Timestamp,
    pub(crate) epoch: u64,
}

impl ShardHead {
    fn new(shard: Shard, now: Timestamp) -> Self {
        Self { shard, tip: None, waiters: Waiters::default(), bucket: Bucket::full(now) }
    }

    /// Whether all of its records have expired and none comes any more.
    pub(crate) fn is_gone(&self, floor: Timestamp) -> bool {
        self.shard.closed.is_some_and(|(_, closed)| closed <= floor)
    }
}

impl Head {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            stage: Stage::Unloaded,
            epoch: 0,
            shards: BTreeMap::new(),
            routes: BTreeMap::new(),
            floor: Timestamp::from_micros(i64::MIN),
            resharded: Waiters::default(),
            pending: VecDeque::new(),
            is_writing: false,
        }
    }

    /// What has expired by now never comes back, whatever becomes of the clock and the retention.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.floor = self.floor.max(now - self.settings.retention);
    }

    pub(crate) fn configure(&mut self, settings: Settings, now: Timestamp, hold: &Hold) {
        self.advance(now);
        self.settings = Arc::new(settings);
        self.resharded.wake(hold);
    }

    /// Takes over what was read.
    pub(crate) fn install(&mut self, shards: Vec<Shard>, floor: Option<Timestamp>, now: Timestamp) {
        self.stage = Stage::Loaded;
        self.floor = self.floor.max(floor.unwrap_or(self.floor));
        for shard in shards {
            self.put_shard(shard, now);
        }
    }

    /// Adds a shard, or closes the one that is there.
    pub(crate) fn put_shard(&mut self, shard: Shard, now: Timestamp) {
        if shard.closed.is_some() {
            self.routes.retain(|_, open| *open != shard.id);
        } else {
            self.routes.insert(*shard.hash_keys.start(), shard.id);
        }
        match self.shards.get_mut(&shard.id) {
            Some(head) => head.shard = shard,
            None => {
                self.shards.insert(shard.id, ShardHead::new(shard, now));
            }
        }
    }

    /// Nothing comes any more.
    pub(crate) fn close(&mut self, shard: Shard, now: Timestamp, hold: &Hold) {
        let id = shard.id;
        self.put_shard(shard, now);
        if let Some(head) = self.shards.get_mut(&id) {
            head.waiters.wake(hold);
        }
    }

    /// Forgets everything: the store knows better.
    pub(crate) fn unload(&mut self, hold: &Hold) {
        self.epoch += 1;
        if self.stage == Stage::Loaded {
            self.stage = Stage::Unloaded;
        }
        self.routes.clear();
        for (_, mut shard) in std::mem::take(&mut self.shards) {
            shard.waiters.wake(hold);
        }
        self.resharded.wake(hold);
    }

    pub(crate) fn remove(&mut self, hold: &Hold) {
        self.stage = Stage::Removed;
        self.unload(hold);
    }

    /// The shards that are not gone.
    pub(crate) fn list(&self) -> Vec<Shard> {
        let kept = self.shards.values().filter(|head| !head.is_gone(self.floor));
        kept.map(|head| head.shard.clone()).collect()
    }

    /// The shard, if it is not gone.
    pub(crate) fn shard(&mut self, id: ShardId) -> Option<&mut ShardHead> {
        let floor = self.floor;
        self.shards.get_mut(&id).filter(|head| !head.is_gone(floor))
    }

    /// The shard, if it is not gone; with nothing inside when its end is not known.
    pub(crate) fn view(&mut self, id: ShardId) -> Option<Option<View<'_>>> {
        let (floor, epoch) = (self.floor, self.epoch);
        let ShardHead { shard, tip, .. } = self.shard(id)?;
        Some(tip.as_mut().map(|tip| View { shard, tip, floor, epoch }))
    }

    /// Somebody does not wait any more.
    pub(crate) fn sweep(&mut self, id: ShardId) {
        if let Some(shard) = self.shards.get_mut(&id) {
            shard.waiters.sweep();
        }
    }

    /// All shards that are still in the store, and whether they are gone for everybody.
    pub(crate) fn all_shards(&self) -> Vec<(ShardId, bool)> {
        self.shards.iter().map(|(id, head)| (*id, head.is_gone(self.floor))).collect()
    }

    /// The shard is in the store no more.
    pub(crate) fn forget(&mut self, id: ShardId, hold: &Hold) {
        self.shards.remove(&id);
        self.resharded.wake(hold);
    }

    /// The open shard that has this hash key.
    pub(crate) fn route(&self, hash_key: u128) -> Option<ShardId> {
        self.routes.range(..=hash_key).next_back().map(|(_, shard)| *shard)
    }

    /// The number of the next shard. Shards close only by making way for later ones, so the last one is always there.
    pub(crate) fn next_shard(&self) -> ShardId {
        ShardId(self.shards.keys().next_back().map_or(0, |last| last.0 + 1))
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.routes.is_empty()
    }

    /// Gives a record its number.
    pub(crate) fn number(&mut self, hash_key: u128, record: &NewRecord, now: Timestamp) -> Numbered {
        let found = self.route(hash_key).and_then(|id| self.shards.get_mut(&id));
        let Some(ShardHead { shard, tip, bucket, .. }) = found else { return Numbered::NoShard };
        let shard = shard.id;
        let Some(tip) = tip else { return Numbered::TipUnknown(shard) };
        let bound = record.larger_than.unwrap_or(SequenceNumber::ZERO);
        // A number from the future would use up those in between for everybody. Also the clock of those that were given
        // may have gone back.
        if bound > tip.given && bound >= SequenceNumber::past(now) {
            return Numbered::Ordering;
        }
        if !bucket.take(record.partition_key.len() + record.data.len(), now) {
            return Numbered::Throttled(shard);
        }
        let sequence_number = bound.max(tip.given).successor(now, shard);
        tip.given = sequence_number;
        Numbered::Given(Put { shard, sequence_number })
    }

    /// The record is on disk: readers may see it.
    pub(crate) fn publish(&mut self, shard: ShardId, row: Row, hold: &Hold) {
        let Some(head) = self.shards.get_mut(&shard) else { return };
        if let Some(tip) = &mut head.tip {
            tip.published = row.last;
            tip.tail.push(row);
        }
        head.waiters.wake(hold);
    }

    pub(crate) fn evict(&mut self, shard: ShardId, last: SequenceNumber) {
        if let Some(tip) = self.shards.get_mut(&shard).and_then(|head| head.tip.as_mut()) {
            tip.tail.evict(last);
        }
    }
}
