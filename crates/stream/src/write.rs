//! The one who writes: one commit of a stream at a time.
//!
//! Requests that come while a commit is on its way go into the next one together. So records become visible in the
//! order of their numbers, a shard never closes in the middle of a put, and many small puts cost one write to disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use clock::Hold;
use store::{CommitError, Limits, Transaction};

use crate::head::Numbered;
use crate::put::PutRequest;
use crate::reshard::ReshardRequest;
use crate::room::KeptRow;
use crate::row::{Growing, Row, encoded_bytes};
use crate::stream::Stream;
use crate::{NewRecord, Put, PutFailure, SequenceNumber, ShardId, StreamError};

/// Something to be written.
#[derive(Debug)]
pub(crate) enum Request {
    Put(PutRequest),
    Reshard(ReshardRequest),
}

/// What is written next.
enum Work {
    Puts(Vec<PutRequest>),
    Reshard(ReshardRequest),
}

/// Bytes of records after which a commit is full. A transaction may have twice as many.
const COMMIT_BYTES: usize = 4 << 20;
/// A record beyond this goes to the disk in commits of its own; only its first row is part of the one that counts.
const LARGE_BYTES: usize = 2 << 20;

impl Stream {
    /// Has it written. It is, whether or not the caller waits for that.
    pub(crate) fn enqueue(&self, request: Request) {
        let is_first = self.locked(|head, _| {
            head.pending.push_back(request);
            !std::mem::replace(&mut head.is_writing, true)
        });
        if is_first {
            self.platform().tasks.spawn("stream-writer", self.clone().write_pending());
        }
    }

    async fn write_pending(self) {
        while let Some(work) = self.next_work() {
            match work {
                Work::Puts(puts) => self.write_puts(puts).await,
                Work::Reshard(request) => {
                    let ReshardRequest { reshard, answer, hold } = request;
                    let resharded = self.reshard(reshard, &hold).await;
                    let _ = answer.send(resharded);
                }
            }
        }
        self.inner().idle.notify_waiters();
    }

    /// As many puts as fit into one commit, or one change of shards.
    fn next_work(&self) -> Option<Work> {
        self.locked(|head, _| {
            let (mut puts, mut bytes) = (Vec::new(), 0);
            loop {
                match head.pending.pop_front() {
                    Some(Request::Put(put)) if bytes == 0 || bytes + put.bytes <= COMMIT_BYTES => {
                        bytes += put.bytes;
                        puts.push(put);
                    }
                    Some(Request::Reshard(request)) if puts.is_empty() => {
                        return Some(Work::Reshard(request));
                    }
                    Some(request) => {
                        head.pending.push_front(request);
                        break;
                    }
                    None => break,
                }
            }
            head.is_writing = !puts.is_empty();
            head.is_writing.then_some(Work::Puts(puts))
        })
    }

    async fn write_puts(&self, puts: Vec<PutRequest>) {
        let hold = puts.first().map_or(Hold::none(), |put| put.hold.clone());
        let is_open = self.on_head(|head, _| head.is_open()).await;
        if let Err(error) = is_open.and_then(|is_open| is_open.then_some(()).ok_or(StreamError::NoShard)) {
            // Whoever does not wait any more is not told.
            puts.into_iter().for_each(|put| drop(put.answer.send(Err(error.clone()))));
            return;
        }
        let mut batch = Batch { row_bytes: self.rows().key_bytes(), ..Batch::default() };
        for put in &puts {
            batch.results.push(Vec::with_capacity(put.records.len()));
            for (hash_key, record) in &put.records {
                if batch.bytes + encoded_bytes(record).min(LARGE_BYTES) > COMMIT_BYTES {
                    self.flush(&mut batch, &hold).await;
                }
                let result = self.place(*hash_key, record, &mut batch).await;
                batch.answer(result);
            }
        }
        self.flush(&mut batch, &hold).await;
        for (put, results) in puts.into_iter().zip(batch.results) {
            let _ = put.answer.send(Ok(results));
        }
    }

    /// Gives the record its number, and makes it part of the next commit.
    async fn place(&self, hash_key: u128, record: &NewRecord, batch: &mut Batch) -> Result<Put, PutFailure> {
        let now = self.platform().clock.now();
        loop {
            let numbered = self.on_head(|head, _| (head.number(hash_key, record, now), head.epoch)).await;
            match numbered {
                Ok((Numbered::Given(put), epoch)) => {
                    batch.begin(epoch);
                    return self.add(put, record, batch).await;
                }
                Ok((Numbered::Throttled(shard), _)) => return Err(PutFailure::Throttled(shard)),
                Ok((Numbered::Ordering, _)) => return Err(PutFailure::Ordering),
                Ok((Numbered::TipUnknown(shard), _)) => {
                    self.load_tip(shard).await.map_err(|_| PutFailure::Internal)?;
                }
                Ok((Numbered::NoShard, _)) | Err(_) => return Err(PutFailure::Internal),
            }
        }
    }

    async fn add(&self, put: Put, record: &NewRecord, batch: &mut Batch) -> Result<Put, PutFailure> {
        let Put { shard, sequence_number } = put;
        if encoded_bytes(record) <= LARGE_BYTES {
            batch.add(shard, sequence_number, record);
            return Ok(put);
        }
        let row = Growing::new(sequence_number, record).finish();
        // Until the row's first value is there, nobody sees these; if it never is, they go when the shard is trimmed.
        let mut transaction = Transaction::new();
        let mut bytes = 0;
        let mut parts = row.parts(self.rows(), shard).peekable();
        while let Some(part) = parts.next() {
            transaction.mutations.push(part);
            bytes += Limits::PORTABLE.value_bytes;
            if bytes >= COMMIT_BYTES || parts.peek().is_none() {
                let transaction = std::mem::take(&mut transaction);
                self.platform().store.commit(transaction).await.map_err(|_| PutFailure::Internal)?;
                bytes = 0;
            }
        }
        drop(parts);
        batch.add_large(shard, row);
        Ok(put)
    }

    /// Commits what there is, and lets readers see it.
    async fn flush(&self, batch: &mut Batch, hold: &Hold) {
        let Some((epoch, rows, places)) = batch.take() else { return };
        if !self.commit_rows(epoch, rows, hold).await {
            batch.fail(&places);
        }
    }

    async fn commit_rows(&self, epoch: u64, rows: Vec<(ShardId, Row, bool)>, hold: &Hold) -> bool {
        if self.locked(|head, _| head.epoch != epoch) {
            return false;
        }
        let mut transaction = Transaction::new();
        for (shard, row, is_large) in &rows {
            row.put(&mut transaction.mutations, self.rows(), *shard);
            if !is_large {
                transaction.mutations.extend(row.parts(self.rows(), *shard));
            }
        }
        match self.platform().store.commit(transaction).await {
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(stream = self.id().0, %error, "records could not be written");
                if matches!(error, CommitError::Unknown(_)) {
                    self.unload();
                }
                return false;
            }
        }
        let stream = Arc::downgrade(self.inner());
        let kept = rows.iter().map(|(shard, row, _)| KeptRow {
            stream: stream.clone(),
            shard: *shard,
            last: row.last,
            bytes: row.bytes(),
        });
        let kept = kept.collect();
        self.locked(|head, _| {
            if head.epoch != epoch {
                // Somebody may have looked too early.
                return head.unload(hold);
            }
            rows.into_iter().for_each(|(shard, row, _)| head.publish(shard, row, hold));
        });
        self.platform().room.keep(kept);
        true
    }
}

/// Records that are committed together, and what becomes of all that were asked for.
#[derive(Default)]
struct Batch {
    /// Of the head that gave the numbers.
    epoch: u64,
    rows: BTreeMap<ShardId, Vec<Cell>>,
    bytes: usize,
    /// What a row takes beside its records.
    row_bytes: usize,
    /// The results that depend on this commit.
    places: Vec<(usize, usize)>,
    results: Vec<Vec<Result<Put, PutFailure>>>,
}

enum Cell {
    Growing(Growing),
    /// Its parts are written.
    Large(Row),
}

impl Batch {
    /// Numbers of different epochs may be the same: what has not been written by now never is.
    fn begin(&mut self, epoch: u64) {
        if self.epoch != epoch {
            if let Some((_, _, places)) = self.take() {
                self.fail(&places);
            }
            self.epoch = epoch;
        }
    }

    fn add(&mut self, shard: ShardId, number: SequenceNumber, record: &NewRecord) {
        self.bytes += encoded_bytes(record);
        let cells = self.rows.entry(shard).or_default();
        if let Some(Cell::Growing(row)) = cells.last_mut()
            && row.push(number, record)
        {
            return;
        }
        self.bytes += self.row_bytes;
        cells.push(Cell::Growing(Growing::new(number, record)));
    }

    fn add_large(&mut self, shard: ShardId, row: Row) {
        self.bytes += self.row_bytes + Limits::PORTABLE.value_bytes;
        self.rows.entry(shard).or_default().push(Cell::Large(row));
    }

    fn answer(&mut self, result: Result<Put, PutFailure>) {
        let place = self.results.len().checked_sub(1);
        let Some((request, results)) = place.zip(self.results.last_mut()) else { return };
        if result.is_ok() {
            self.places.push((request, results.len()));
        }
        results.push(result);
    }

    fn fail(&mut self, places: &[(usize, usize)]) {
        for (request, index) in places {
            self.results[*request][*index] = Err(PutFailure::Internal);
        }
    }

    #[expect(clippy::type_complexity, reason = "used in two places, next to this one")]
    fn take(&mut self) -> Option<(u64, Vec<(ShardId, Row, bool)>, Vec<(usize, usize)>)> {
        let places = std::mem::take(&mut self.places);
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if places.is_empty() {
            return None;
        }
        let rows = rows.into_iter().flat_map(|(shard, cells)| {
            cells.into_iter().map(move |cell| match cell {
                Cell::Growing(row) => (shard, row.finish(), false),
                Cell::Large(row) => (shard, row, true),
            })
        });
        Some((self.epoch, rows.collect(), places))
    }
}
