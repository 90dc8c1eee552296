//! How far a mapping has come in each shard: the rows of its shards and lanes.

use clock::Timestamp;
use serde::{Deserialize, Serialize};
use store::{CommitError, KeyPart, Store, Table, TableError, Transaction};
use stream::{SequenceNumber, Shard, ShardId, Stream, StreamError, StreamId};

use crate::stream_poller::lane::{self, Lane};
use crate::{Mapping, Polling, Start};

/// By the mapping's UUID.
const BEGINNINGS: Table<Beginning> = Table::new("event-source-beginning");
/// By the mapping's UUID and the shard's number.
const SHARDS: Table<ShardRow> = Table::new("event-source-shard");
/// By the mapping's UUID, the shard's number and the slot. A lane without a row is where its shard's lanes start.
pub(crate) const LANES: Table<Lane> = Table::of_large_records("event-source-lane");

/// Layouts that are remembered. What is forgotten is repeated at worst.
const LAYOUTS_MAX: usize = 8;

/// A mapping that has begun: its start positions are resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Beginning {
    /// The checkpoints are about this stream, and not about another one that has its name later.
    stream: StreamId,
    at: Timestamp,
}

/// How a shard is divided into lanes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShardRow {
    /// All is done.
    pub(crate) is_done: bool,
    /// How many lanes there are.
    pub(crate) slots: u32,
    /// Where each of them starts.
    pub(crate) start: Option<SequenceNumber>,
    /// The lanes that there were before, the latest first: up to where each had come, by its slot.
    #[serde(default)]
    pub(crate) earlier: Vec<Vec<Option<SequenceNumber>>>,
}

impl ShardRow {
    pub(crate) fn new(slots: u32, start: Option<SequenceNumber>) -> Self {
        Self { is_done: false, slots, start, earlier: Vec::new() }
    }

    /// The same shard with another number of lanes; `lanes` are those that there are now.
    pub(crate) fn divide(&self, slots: u32, lanes: &[Lane]) -> Self {
        let done: Vec<_> = lanes.iter().map(|lane| lane.done).collect();
        let start = done.iter().copied().min().unwrap_or(self.start);
        let earlier = std::iter::once(done).chain(self.earlier.iter().cloned()).filter(|done| {
            // What all lanes have passed says nothing any more.
            done.iter().copied().max() > Some(start)
        });
        Self { is_done: false, slots, start, earlier: earlier.take(LAYOUTS_MAX).collect() }
    }

    /// Whether a record belongs to the lane `slot` and was not done by one of the earlier lanes.
    pub(crate) fn is_for(&self, slot: u32, partition_key: &str, number: SequenceNumber) -> bool {
        if self.slots == 1 && self.earlier.is_empty() {
            return true;
        }
        let hash = hash(partition_key);
        hash % u64::from(self.slots) == u64::from(slot)
            && !self.earlier.iter().any(|done| {
                let earlier = usize::try_from(hash % done.len() as u64).unwrap_or_default();
                done[earlier] >= Some(number)
            })
    }
}

/// Divides partition keys among slots: FNV-1a, with its better mixed upper bits. Stored positions depend on it.
fn hash(partition_key: &str) -> u64 {
    let fnv = partition_key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    fnv.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

/// The rows of one mapping.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoints {
    pub(crate) uuid: String,
}

impl Checkpoints {
    pub(crate) fn of(mapping: &Mapping) -> Self {
        Self { uuid: mapping.uuid.clone() }
    }

    pub(crate) fn lane(&self, shard: ShardId, slot: u32) -> [KeyPart<'_>; 3] {
        [(&self.uuid).into(), number(shard), u64::from(slot).into()]
    }

    fn shard(&self, shard: ShardId) -> [KeyPart<'_>; 2] {
        [(&self.uuid).into(), number(shard)]
    }

    /// Resolves and stores where the mapping starts, unless it has begun before.
    pub(crate) async fn begin(
        &self,
        store: &dyn Store,
        mapping: &Mapping,
        stream: &Stream,
        now: Timestamp,
    ) -> Result<(), StreamError> {
        let parts = [(&self.uuid).into()];
        let beginning = Beginning { stream: stream.id().clone(), at: now };
        let row = BEGINNINGS.get_now(store, &parts).await.map_err(failed)?;
        if row.as_ref().is_some_and(|row| row.record.stream == beginning.stream) {
            return Ok(());
        }
        let mut transaction = Transaction::new();
        // What is there is about a stream that is gone.
        delete_all(&mut transaction, &self.uuid);
        match &row {
            Some(row) => BEGINNINGS.update(&mut transaction, row, &beginning),
            None => BEGINNINGS.insert(&mut transaction, &parts, &beginning),
        }
        .map_err(failed)?;
        let Polling::Stream(polling) = &mapping.polling else { return Ok(()) };
        for shard in stream.shards().await? {
            let start = start(stream, &shard, polling.start).await?;
            let row = ShardRow::new(polling.parallelization_factor, start);
            SHARDS.put(&mut transaction, &self.shard(shard.id), &row).map_err(failed)?;
        }
        store.commit(transaction).await?;
        Ok(())
    }

    /// The rows of all shards that there were.
    pub(crate) async fn shards(&self, store: &dyn Store) -> Result<Vec<(ShardId, ShardRow)>, TableError> {
        let snapshot = store.snapshot().await?;
        let rows = SHARDS.list(&*snapshot, &[(&self.uuid).into()], None, usize::MAX).await?;
        let mut shards = Vec::with_capacity(rows.len());
        for row in rows {
            let mut key = SHARDS.read_key(&row.key)?;
            let _uuid = key.str()?;
            shards.push((ShardId(u32::try_from(key.u64()?).unwrap_or(u32::MAX)), row.record));
        }
        Ok(shards)
    }

    /// The lanes of a shard, one for each slot.
    pub(crate) async fn lanes(
        &self,
        store: &dyn Store,
        shard: ShardId,
        row: &ShardRow,
    ) -> Result<Vec<Lane>, TableError> {
        let snapshot = store.snapshot().await?;
        let mut lanes = Vec::new();
        for slot in 0..row.slots {
            let lane = LANES.get(&*snapshot, &self.lane(shard, slot)).await?;
            lanes.push(lane.map_or_else(|| Lane::after(row.start), |row| row.record));
        }
        Ok(lanes)
    }

    /// All lanes that have a row.
    pub(crate) async fn stored_lanes(&self, store: &dyn Store) -> Result<Vec<(ShardId, Lane)>, TableError> {
        let snapshot = store.snapshot().await?;
        let rows = LANES.list(&*snapshot, &[(&self.uuid).into()], None, usize::MAX).await?;
        let mut lanes = Vec::with_capacity(rows.len());
        for row in rows {
            let mut key = LANES.read_key(&row.key)?;
            let _uuid = key.str()?;
            lanes.push((ShardId(u32::try_from(key.u64()?).unwrap_or(u32::MAX)), row.record));
        }
        Ok(lanes)
    }

    /// Writes a shard anew, which was `before`; its lanes are where it says. One whose reply was lost can be made again:
    /// only one of them is applied.
    pub(crate) async fn put_shard(
        &self,
        store: &dyn Store,
        shard: ShardId,
        before: Option<&ShardRow>,
        row: &ShardRow,
    ) -> Result<(), TableError> {
        let parts = self.shard(shard);
        let stored = SHARDS.get_now(store, &parts).await?;
        let now = stored.as_ref().map(|stored| &stored.record);
        if now == Some(row) {
            return Ok(());
        }
        let mut transaction = Transaction::new();
        match &stored {
            Some(stored) if before == now => SHARDS.update(&mut transaction, stored, row)?,
            None if before.is_none() => SHARDS.insert(&mut transaction, &parts, row)?,
            _ => return Err(CommitError::Conflict(SHARDS.key(&parts)).into()),
        }
        LANES.delete_all(&mut transaction, &parts);
        store.commit(transaction).await?;
        Ok(())
    }

    /// Forgets shards that are gone.
    pub(crate) async fn forget(&self, store: &dyn Store, shards: &[ShardId]) -> Result<(), TableError> {
        let mut transaction = Transaction::new();
        for shard in shards {
            SHARDS.delete(&mut transaction, &self.shard(*shard));
            LANES.delete_all(&mut transaction, &self.shard(*shard));
        }
        store.commit(transaction).await?;
        Ok(())
    }
}

/// Adds: forget all checkpoints of a mapping.
pub(crate) fn delete_all(transaction: &mut Transaction, uuid: &str) {
    BEGINNINGS.delete(transaction, &[uuid.into()]);
    SHARDS.delete_all(transaction, &[uuid.into()]);
    LANES.delete_all(transaction, &[uuid.into()]);
}

fn number(shard: ShardId) -> KeyPart<'static> {
    u64::from(shard.0).into()
}

/// Where the lanes of a shard start that is there when the mapping begins.
async fn start(stream: &Stream, shard: &Shard, start: Start) -> Result<Option<SequenceNumber>, StreamError> {
    let position = match start {
        Start::TrimHorizon => return Ok(None),
        Start::Latest => stream::Position::Latest,
        Start::AtTimestamp(at) => stream::Position::AtTimestamp(at),
    };
    match stream.resolve(shard.id, position).await {
        Ok(position) => Ok(lane::done(position).unwrap_or(None)),
        // Its records have just expired.
        Err(StreamError::NoShard) => Ok(None),
        Err(error) => Err(error),
    }
}

fn failed(error: TableError) -> StreamError {
    match error {
        TableError::Store(error) => error.into(),
        TableError::Commit(error) => StreamError::Store(error),
    }
}

#[cfg(test)]
mod tests;
