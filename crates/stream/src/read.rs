//! Reading a shard: from memory at its tip, from the store further back.

use std::time::Duration;

use clock::{Hold, Timestamp};
use store::StoreError;
use tokio::sync::oneshot;

use crate::head::View;
use crate::row::Row;
use crate::rows::next_key;
use crate::stream::Stream;
use crate::{Position, Read, ReadLimits, Record, SequenceNumber, ShardId, StreamError};

/// Rows looked at together.
const PAGE: usize = 64;

/// A shard as a read found it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// The last record that may be read, or the start of the shard.
    published: SequenceNumber,
    is_closed: bool,
    epoch: u64,
}

impl Stream {
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
        self.read_seen(shard, from, limits).await.map(|(read, _)| read)
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
        let mut hold = self.platform().clock.hold();
        let mut from = from;
        loop {
            let (read, seen) = self.read_seen(shard, from, limits).await?;
            if !read.records.is_empty() || read.is_end {
                return Ok((read, hold));
            }
            from = read.next;
            if let Some(waiting) = self.park(shard, seen) {
                drop(hold);
                hold = waiting.woken().await;
            }
        }
    }

    /// Turns a position that depends on now ([`Position::Latest`], [`Position::AtTimestamp`]) into one that does not.
    ///
    /// # Errors
    /// As [`Stream::read`].
    pub async fn resolve(&self, shard: ShardId, position: Position) -> Result<Position, StreamError> {
        self.on_shard(shard, |view| resolve(position, view.tip.published)).await
    }

    async fn read_seen(
        &self,
        shard: ShardId,
        from: Position,
        limits: ReadLimits,
    ) -> Result<(Read, Seen), StreamError> {
        let see = |View { shard, tip, floor, epoch }: View<'_>| {
            let from = resolve(from, tip.published);
            let first = match from {
                Position::At(number) => number,
                Position::After(number) => SequenceNumber(number.0.saturating_add(1)),
                Position::TrimHorizon | Position::Latest | Position::AtTimestamp(_) => SequenceNumber::ZERO,
            };
            let seen = Seen { published: tip.published, is_closed: shard.closed.is_some(), epoch };
            (from, first.max(SequenceNumber::past(floor)), seen)
        };
        let (from, first, seen) = self.on_shard(shard, see).await?;
        let mut gather = Gather { limits, next: first, records: Vec::new(), bytes: 0, first_left: None };
        let page_rows = PAGE.min(limits.records.saturating_add(1));
        while gather.next <= seen.published && gather.first_left.is_none() {
            let bytes = limits.bytes.saturating_sub(gather.bytes);
            let (rows, is_last) = self.page(shard, gather.next, seen.published, page_rows, bytes).await?;
            for row in &rows {
                gather.take(row)?;
            }
            if is_last {
                break;
            }
        }
        let now = self.platform().clock.now();
        let read = Read {
            next: gather.records.last().map_or(from, |last| Position::After(last.sequence_number)),
            is_end: seen.is_closed && gather.first_left.is_none(),
            behind: gather.first_left.map_or(Duration::ZERO, |arrived| now.saturating_since(arrived)),
            records: gather.records,
        };
        Ok((read, seen))
    }

    /// The next rows with records from `from` to `published`, and whether there are no more. Of those in the store no more
    /// are read than it takes to have so many bytes.
    async fn page(
        &self,
        shard: ShardId,
        from: SequenceNumber,
        published: SequenceNumber,
        limit: usize,
        bytes: usize,
    ) -> Result<(Vec<Row>, bool), StreamError> {
        if let Some(rows) = self.on_shard(shard, |view| view.tip.tail.rows_from(from, limit)).await? {
            let is_last = rows.len() < limit;
            return Ok((rows, is_last));
        }
        let (from, _) = self.rows().records_from(shard, from);
        let to = next_key(&self.rows().record(shard, published));
        let snapshot = self.platform().store.snapshot().await?;
        let entries = snapshot.range(&from, &to, limit, false).await?;
        let (mut rows, mut read_bytes) = (Vec::with_capacity(entries.len()), 0);
        for entry in &entries {
            let row = Row::assemble(&*snapshot, self.rows(), shard, entry).await?;
            read_bytes += row.bytes();
            rows.push(row);
            if read_bytes > bytes {
                break;
            }
        }
        let is_last = rows.len() == entries.len() && entries.len() < limit;
        Ok((rows, is_last))
    }

    /// Waits, unless something has changed since.
    fn park(&self, shard: ShardId, seen: Seen) -> Option<Waiting> {
        let woken = self.locked(|head, _| {
            if head.epoch != seen.epoch {
                return None;
            }
            let head = head.shard(shard)?;
            let is_same = head.tip.as_ref().is_some_and(|tip| tip.published == seen.published)
                && head.shard.closed.is_some() == seen.is_closed;
            is_same.then(|| head.waiters.park())
        })?;
        Some(Waiting { stream: self.clone(), shard, woken })
    }
}

fn resolve(position: Position, published: SequenceNumber) -> Position {
    match position {
        Position::Latest => Position::After(published),
        Position::AtTimestamp(moment) => Position::At(SequenceNumber::from(moment)),
        Position::TrimHorizon | Position::At(_) | Position::After(_) => position,
    }
}

/// What a read brings.
struct Gather {
    limits: ReadLimits,
    /// No record before this one is looked at any more.
    next: SequenceNumber,
    records: Vec<Record>,
    bytes: usize,
    /// When the first record arrived that there was no room for.
    first_left: Option<Timestamp>,
}

impl Gather {
    fn take(&mut self, row: &Row) -> Result<(), StoreError> {
        if self.first_left.is_some() {
            return Ok(());
        }
        for record in row.records(self.next) {
            let record = record?;
            let bytes = self.bytes + record.data.len();
            let is_full = self.records.len() >= self.limits.records || bytes > self.limits.bytes;
            if is_full && !self.records.is_empty() {
                self.first_left = Some(record.arrived);
                return Ok(());
            }
            self.bytes = bytes;
            self.records.push(record);
        }
        // A row without records must not be met again.
        self.next = self.next.max(SequenceNumber(row.last.0.saturating_add(1)));
        Ok(())
    }
}

/// Somebody who waits for a shard.
struct Waiting {
    stream: Stream,
    shard: ShardId,
    woken: oneshot::Receiver<Hold>,
}

impl Waiting {
    async fn woken(mut self) -> Hold {
        match (&mut self.woken).await {
            Ok(hold) => hold,
            // The shard is gone.
            Err(_) => self.stream.platform().clock.hold(),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.woken.close();
        self.stream.locked(|head, _| head.sweep(self.shard));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clock::VirtualClock;
    use store::{Bytes, MemoryStore, Mutation, Store, Transaction};
    use tasks::Tasks;

    use super::*;
    use crate::{NewRecord, Settings, StreamId, Streams};

    async fn one_shard() -> (Arc<MemoryStore>, Stream) {
        one_shard_in(1 << 20).await
    }

    /// With so many bytes of records in memory.
    async fn one_shard_in(bytes: usize) -> (Arc<MemoryStore>, Stream) {
        let (store, clock) =
            (Arc::new(MemoryStore::new()), Arc::new(VirtualClock::new(Timestamp::from_millis(1))));
        let streams = Streams::tight(bytes, store.clone(), clock, Tasks::new());
        let settings = Settings { arn: String::new(), retention: Duration::from_secs(60) };
        let stream = streams.open(StreamId("s".to_owned()), settings);
        let mut shards = stream.prepare_shards(1);
        let mut transaction = Transaction::new();
        shards.join(&mut transaction);
        store.commit(transaction).await.unwrap();
        shards.committed();
        (store, stream)
    }

    #[tokio::test]
    async fn a_row_without_records_is_passed_over() {
        let (store, stream) = one_shard().await;
        let shard = ShardId(0);
        let number = SequenceNumber::ZERO.successor(Timestamp::from_millis(9), shard);
        let empty = Mutation::Put(stream.rows().record(shard, number), Bytes::from_static(&[0; 4]));
        store.commit(Transaction::new().mutate(empty)).await.unwrap();
        let limits = ReadLimits { records: 0, bytes: 0 };
        let read = stream.read(shard, Position::TrimHorizon, limits).await.unwrap();
        assert_eq!(read.records, []);
    }

    #[tokio::test]
    async fn no_more_large_rows_are_read_than_a_reader_has_room_for() {
        let (_store, stream) = one_shard_in(0).await;
        let record = || NewRecord {
            partition_key: "k".to_owned(),
            explicit_hash_key: None,
            larger_than: None,
            data: vec![0; 200_000].into(),
        };
        for _ in 0..5 {
            assert!(stream.put(vec![record()]).await.unwrap()[0].is_ok());
        }
        let (shard, limits) = (ShardId(0), |bytes| ReadLimits { records: 9, bytes });
        let (_, seen) = stream.read_seen(shard, Position::Latest, limits(0)).await.unwrap();
        for (bytes, rows, is_all) in [(0, 1, false), (300_000, 2, false), (2_000_000, 5, true)] {
            let page = stream.page(shard, SequenceNumber::ZERO, seen.published, PAGE, bytes).await.unwrap();
            assert_eq!((page.0.len(), page.1), (rows, is_all), "{bytes}");
            let read = stream.read(shard, Position::TrimHorizon, limits(bytes)).await.unwrap();
            assert_eq!(read.records.len(), (bytes / 200_000).clamp(1, 5), "{bytes}");
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_what_came_after_the_read_and_before_the_wait() {
        let (_store, stream) = one_shard().await;
        let (shard, limits) = (ShardId(0), ReadLimits { records: 1, bytes: 1 });
        let record = || NewRecord {
            partition_key: "k".to_owned(),
            explicit_hash_key: None,
            larger_than: None,
            data: Bytes::new(),
        };
        let (_, seen) = stream.read_seen(shard, Position::Latest, limits).await.unwrap();
        assert!(stream.park(shard, seen).is_some());
        assert!(stream.put(vec![record()]).await.unwrap()[0].is_ok());
        assert!(stream.park(shard, seen).is_none());
        let (_, seen) = stream.read_seen(shard, Position::Latest, limits).await.unwrap();
        stream.split(shard, 1).await.unwrap();
        assert!(stream.park(shard, seen).is_none());
        let (_, seen) = stream.read_seen(ShardId(1), Position::Latest, limits).await.unwrap();
        stream.unload();
        assert!(stream.park(ShardId(1), seen).is_none());
    }
}
