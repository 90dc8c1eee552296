//! A client that does whatever comes to its mind, and a follower that reads everything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::{Clock, Timestamp, VirtualClock};
use simulator::{Chance, FaultyStore};
use store::{Bytes, CommitError, Store, Transaction};
use stream::{
    NewRecord, Position, ReadLimits, SequenceNumber, Settings, ShardId, Stream, StreamError, Streams,
};
use targets::Settled;
use tasks::Tasks;

use crate::model::Model;

/// What the clients of a run share.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) tasks: Tasks,
    pub(crate) chance: Chance,
    pub(crate) model: Arc<Mutex<Model>>,
    pub(crate) streams: Streams,
    pub(crate) stream: Stream,
    pub(crate) settings: Settings,
    /// Where readers stand who go on where they were, also in the server's next life.
    pub(crate) cursors: Arc<Mutex<BTreeMap<ShardId, Position>>>,
}

/// How far a follower has come in each shard.
pub(crate) type Followed = Arc<Mutex<BTreeMap<ShardId, SequenceNumber>>>;

/// Where a follower is who was told of the end of the shard.
pub(crate) const END: SequenceNumber = SequenceNumber(u128::MAX);

/// The first number that is read from there on.
fn first(position: Position) -> SequenceNumber {
    match position {
        Position::At(number) => number,
        Position::After(number) => SequenceNumber(number.0 + 1),
        Position::TrimHorizon | Position::Latest | Position::AtTimestamp(_) => SequenceNumber(0),
    }
}

impl Client {
    pub(crate) async fn act(&self) {
        match self.chance.below(100) {
            0..40 => self.put().await,
            40..55 => self.read().await,
            55..70 => self.read_on().await,
            70..78 => self.wait().await,
            78..84 => self.reshard().await,
            84..87 => self.streams.trim().await,
            87..89 => self.lengthen_retention().await,
            89..92 => self.look().await,
            _ => {
                let later = self.now() + Duration::from_millis(self.chance.below(20_000));
                self.clock.advance_to(later).await;
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn put(&self) {
        let count = if self.chance.percent(10) { 40 } else { 1 + self.chance.below(4) };
        let records: Vec<NewRecord> = (0..count).map(|_| self.record()).collect();
        let data: Vec<Bytes> = records.iter().map(|record| record.data.clone()).collect();
        let results = self.stream.put(records).await;
        let mut model = self.model.lock().unwrap();
        match results {
            Ok(results) => {
                for (data, result) in data.iter().zip(results) {
                    model.end_put(data, result.as_ref().map_err(|failure| *failure));
                }
            }
            // Nothing was tried.
            Err(_) => data.iter().for_each(|data| model.refuse(data)),
        }
    }

    fn record(&self) -> NewRecord {
        let group = self.chance.below(6);
        let hash_key = u128::from(group) << 125 | u128::from(group * 77);
        let key = format!("k{group}");
        let mut data = self.model.lock().unwrap().begin_put(&key, hash_key);
        let size = match self.chance.below(100) {
            0 => 3 << 20,
            1..4 => 70_000,
            4..8 => 300_000,
            _ => 10,
        };
        data.extend(std::iter::repeat_n('x', size));
        let larger_than =
            self.chance.percent(5).then(|| SequenceNumber(u128::from(self.chance.below(u64::MAX)) << 64));
        NewRecord { partition_key: key, explicit_hash_key: Some(hash_key), larger_than, data: data.into() }
    }

    async fn some_shard(&self) -> Option<ShardId> {
        let shards = self.stream.shards().await.ok()?;
        let index = self.chance.below(shards.len() as u64);
        Some(shards[usize::try_from(index).unwrap()].id)
    }

    async fn look(&self) {
        if let Ok(shards) = self.stream.shards().await {
            self.model.lock().unwrap().end_shards(&shards);
        }
    }

    fn limits(&self) -> ReadLimits {
        let records = [1, 2, 5, 1_000][usize::try_from(self.chance.below(4)).unwrap()];
        let bytes = if self.chance.percent(30) { 100_000 } else { 100 << 20 };
        ReadLimits { records, bytes }
    }

    /// From anywhere.
    async fn read(&self) {
        let Some(shard) = self.some_shard().await else { return };
        let position = match self.chance.below(4) {
            0 => Position::TrimHorizon,
            1 => Position::Latest,
            2 => Position::AtTimestamp(self.now() - Duration::from_millis(self.chance.below(30_000))),
            _ => Position::At(SequenceNumber(u128::from(self.chance.below(1 << 41)) << 64)),
        };
        let Ok(position) = self.stream.resolve(shard, position).await else { return };
        self.read_from(shard, position).await;
    }

    /// Where the last one ended.
    async fn read_on(&self) {
        let Some(shard) = self.some_shard().await else { return };
        let position = self.cursors.lock().unwrap().get(&shard).copied().unwrap_or(Position::TrimHorizon);
        if let Some(next) = self.read_from(shard, position).await {
            self.cursors.lock().unwrap().insert(shard, next);
        }
    }

    async fn read_from(&self, shard: ShardId, position: Position) -> Option<Position> {
        let limits = self.limits();
        let asked = self.model.lock().unwrap().ask(self.now());
        let read = self.stream.read(shard, position, limits).await.ok()?;
        let bytes: usize = read.records.iter().map(|record| record.data.len()).sum();
        // A record that was left out for its size is at most so large.
        let is_all = read.records.len() < limits.records && bytes + (4 << 20) < limits.bytes;
        let is_all = read.is_end || read.records.is_empty() || is_all;
        let mut model = self.model.lock().unwrap();
        model.end_read(asked, self.now(), shard, first(position), &read, is_all);
        Some(read.next)
    }

    async fn wait(&self) {
        let Some(shard) = self.some_shard().await else { return };
        let position = self.cursors.lock().unwrap().get(&shard).copied().unwrap_or(Position::TrimHorizon);
        let asked = self.model.lock().unwrap().ask(self.now());
        let limits = ReadLimits { records: 3, bytes: 1 << 20 };
        let Ok((read, _hold)) = self.stream.read_held(shard, position, limits).await else { return };
        assert!(read.is_end || !read.records.is_empty());
        let mut model = self.model.lock().unwrap();
        model.end_read(asked, self.now(), shard, first(position), &read, read.is_end);
    }

    async fn reshard(&self) {
        let Ok(shards) = self.stream.shards().await else { return };
        let mut open: Vec<_> = shards.into_iter().filter(|shard| shard.closed.is_none()).collect();
        open.sort_by_key(|shard| *shard.hash_keys.start());
        let index = usize::try_from(self.chance.below(open.len() as u64)).unwrap();
        let chosen = &open[index];
        let resharded = match open.get(index + 1) {
            Some(next) if self.chance.percent(if open.len() > 3 { 80 } else { 30 }) => {
                let (one, other) = if self.chance.percent(50) { (chosen, next) } else { (next, chosen) };
                self.stream.merge(one.id, other.id).await
            }
            _ => {
                let (start, end) = (*chosen.hash_keys.start(), *chosen.hash_keys.end());
                self.stream.split(chosen.id, start + (end - start) / 2 + 1).await
            }
        };
        let is_expected = match &resharded {
            // Somebody else was faster.
            Ok(()) | Err(StreamError::Store(_) | StreamError::Closed | StreamError::NoShard) => true,
            Err(_) => false,
        };
        assert!(is_expected, "{resharded:?}");
        if resharded.is_ok() {
            let shards = self.stream.shards().await.unwrap_or_default();
            let closed = shards.iter().find(|shard| shard.id == chosen.id);
            assert!(closed.is_none_or(|shard| shard.closed.is_some()));
        }
    }

    async fn lengthen_retention(&self) {
        let retention = self.model.lock().unwrap().retention;
        let mut prepared = self.stream.prepare_retention();
        let mut transaction = Transaction::new();
        prepared.join(&mut transaction);
        match self.store.commit(transaction).await {
            Ok(_) => {
                let mut model = self.model.lock().unwrap();
                if model.retention == retention {
                    let longer = retention + Duration::from_secs(self.chance.below(60));
                    // Up to now the old one holds.
                    model.lengthen(self.now() - retention, longer);
                    self.stream.configure(Settings { retention: longer, ..self.settings.clone() });
                }
                prepared.committed();
            }
            Err(CommitError::Unknown(_)) => prepared.settle(Settled::Unknown),
            Err(_) => {}
        }
    }

    /// Reads everything that is there, and whatever comes.
    pub(crate) async fn follow(self, followed: Followed) {
        let mut known = Vec::new();
        loop {
            match self.stream.shards().await {
                Ok(shards) => {
                    self.model.lock().unwrap().end_shards(&shards);
                    for shard in &shards {
                        let is_new = !followed.lock().unwrap().contains_key(&shard.id);
                        if is_new {
                            followed.lock().unwrap().insert(shard.id, SequenceNumber(0));
                            let follower = self.clone().follow_shard(shard.id, followed.clone());
                            self.tasks.spawn_until_shutdown("follower", follower);
                        }
                    }
                    known = shards;
                }
                Err(_) => tokio::task::yield_now().await,
            }
            let _hold = self.stream.resharded(&known).await;
        }
    }

    async fn follow_shard(self, shard: ShardId, followed: Followed) {
        let mut position = Position::TrimHorizon;
        loop {
            let asked = self.model.lock().unwrap().ask(self.now());
            let limits = ReadLimits { records: 7, bytes: 1 << 20 };
            match self.stream.read_held(shard, position, limits).await {
                Ok((read, hold)) => {
                    let mut model = self.model.lock().unwrap();
                    model.end_read(asked, self.now(), shard, first(position), &read, read.is_end);
                    drop((model, hold));
                    position = read.next;
                    if let Position::After(number) = position {
                        followed.lock().unwrap().insert(shard, number);
                    }
                    if read.is_end {
                        followed.lock().unwrap().insert(shard, END);
                        return;
                    }
                }
                Err(StreamError::NoShard) => return,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }
}
