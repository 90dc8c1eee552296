//! Reads a shard for one lane, and gathers batches.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;

use clock::{Hold, Timestamp};
use serde_json::{Map, Value};
use stream::{Read, ReadLimits, Record, SequenceNumber, StreamError};

use super::event::event_bytes;
use super::lane::position;
use super::waits;
use super::work::{Halt, Place, Work};
use crate::figures::Figure;
use crate::functions::EVENT_BYTES_MAX;

/// The most records that are read at once: as `GetRecords`.
const READ_RECORDS_MAX: usize = 10_000;
/// The most data: nearly all of it fits into an event.
const READ_BYTES_MAX: usize = EVENT_BYTES_MAX / 4 * 3;
/// How many records that are for others, or wanted by no filter, are passed over before that is written down.
const PASSED_OVER_MAX: usize = 1_000;

/// Where a lane reads.
#[derive(Debug)]
pub(crate) struct Reader {
    /// It has read up to there.
    read: Option<SequenceNumber>,
    /// Records that were read and are wanted, but are in no batch yet.
    buffer: VecDeque<Record>,
    /// Nothing comes after what was read.
    is_at_end: bool,
    /// Records up to there have been counted.
    counted: Option<SequenceNumber>,
    /// So many records were passed over since the last time that the lane was written down.
    passed_over: usize,
}

impl Reader {
    pub(crate) fn after(done: Option<SequenceNumber>) -> Self {
        Self { read: done, buffer: VecDeque::new(), is_at_end: false, counted: done, passed_over: 0 }
    }

    /// Reads anew after `done`.
    pub(crate) fn rewind(&mut self, done: Option<SequenceNumber>) {
        self.buffer.clear();
        self.read = done;
        self.is_at_end = false;
    }

    /// What follows was not tried yet after all.
    pub(crate) fn put_back(&mut self, records: impl DoubleEndedIterator<Item = Record>) {
        records.rev().for_each(|record| self.buffer.push_front(record));
    }

    pub(crate) fn saved(&mut self) {
        self.passed_over = 0;
    }

    /// Takes over what was read.
    fn accept(&mut self, place: &Place, read: Read) {
        let (mut polled, mut filtered_out) = (0, 0);
        for record in read.records {
            let number = record.sequence_number;
            self.read = Some(number);
            self.passed_over += 1;
            if !place.row.is_for(place.slot, &record.partition_key, number) {
                continue;
            }
            let is_new = self.counted < Some(number);
            self.counted = self.counted.max(Some(number));
            polled += usize::from(is_new);
            if is_wanted(place, &record) {
                self.buffer.push_back(record);
            } else {
                filtered_out += usize::from(is_new);
            }
        }
        self.is_at_end = read.is_end;
        if polled > 0 {
            place.poller.figures.count(Figure::Polled, polled);
            if !place.poller.filter.wants_all() {
                place.poller.figures.count(Figure::FilteredOut, filtered_out);
            }
        }
    }
}

/// What comes next for a lane with nothing pending.
#[derive(Debug)]
pub(crate) enum Gathered {
    Batch(Vec<Record>),
    /// The open window is to be closed before anything else.
    WindowIsOver,
    /// The shard has ended, and everything is done.
    End,
    /// Look again.
    Nothing,
}

/// A batch that grows.
#[derive(Debug, Default)]
struct Growing {
    records: Vec<Record>,
    bytes: usize,
    /// When the first record was taken.
    since: Option<Timestamp>,
    /// Nothing more fits, or may be added.
    is_full: bool,
}

impl Work {
    /// Waits for the next batch.
    pub(crate) async fn gather(&mut self) -> Result<Gathered, Halt> {
        if self.reader.read < self.lane.done {
            self.reader.rewind(self.lane.done);
        }
        let batching_window = self.place.mapping().batching_window;
        let (mut batch, mut has_read) = (Growing::default(), false);
        let mut gathers = None;
        loop {
            self.grow(&mut batch);
            if batch.records.is_empty() && batch.is_full {
                return Ok(Gathered::WindowIsOver);
            }
            // What was left in the buffer is no reason to invoke with less than there is.
            let is_due =
                has_read && batch.since.is_some_and(|since| self.place.now() >= since + batching_window);
            if !batch.records.is_empty() && (batch.is_full || is_due || self.reader.is_at_end) {
                return Ok(Gathered::Batch(batch.records));
            }
            if self.reader.is_at_end {
                return Ok(Gathered::End);
            }
            if batch.records.is_empty() {
                self.lane.done = self.lane.done.max(self.reader.read);
                if self.reader.passed_over >= PASSED_OVER_MAX {
                    self.save();
                }
            }
            let window_over = self.lane.window.as_ref().map(waits::over_at);
            let due = batch.since.map(|since| since + batching_window);
            if gathers.is_none() {
                let Place { poller, shard, .. } = &self.place;
                gathers = due.map(|due| poller.gathers(due, format!("{} {shard}", poller.mapping.uuid)));
            }
            let wake = due.into_iter().chain(window_over).min();
            match self.read(self.room(&batch), wake).await {
                Ok(Some(read)) => {
                    self.reader.accept(&self.place, read);
                    has_read = true;
                    if self.reader.buffer.is_empty() && self.place.poller.stop.is_told() {
                        return Err(Halt::Stopped);
                    }
                    // Others have their turn while there is nothing but records to pass over.
                    tokio::task::yield_now().await;
                }
                Ok(None) if batch.records.is_empty() => return Ok(Gathered::WindowIsOver),
                Ok(None) => batch.is_full = true,
                Err(ReadFailed::Stopped) => return Err(Halt::Stopped),
                Err(ReadFailed::Stream(StreamError::NoShard)) => self.reader.is_at_end = true,
                Err(ReadFailed::Stream(error)) => {
                    self.read_failed(error).await?;
                    self.reader.rewind(self.lane.done);
                    return Ok(Gathered::Nothing);
                }
            }
        }
    }

    /// Moves records from the buffer into the batch. Full without a record when the open window is over.
    fn grow(&mut self, batch: &mut Growing) {
        let size = usize::try_from(self.place.mapping().batch_size).unwrap_or(READ_RECORDS_MAX);
        let state_bytes = self.lane.window.as_ref().map_or(0, |window| window.state.get().len());
        let room = EVENT_BYTES_MAX.saturating_sub(state_bytes);
        while let Some(record) = self.reader.buffer.front() {
            let first_arrived = batch.records.first().map_or(record.arrived, |first| first.arrived);
            let bytes = event_bytes(record);
            let is_beyond = self.window_end(first_arrived).is_some_and(|end| record.arrived >= end);
            let is_too_much = !batch.records.is_empty() && batch.bytes + bytes > room;
            if batch.records.len() >= size || is_too_much || is_beyond {
                batch.is_full = true;
                return;
            }
            batch.bytes += bytes;
            batch.since.get_or_insert(self.place.poller.parts().clock.now());
            batch.records.extend(self.reader.buffer.pop_front());
        }
        batch.is_full |= batch.records.len() >= size;
    }

    /// How much to read for what is missing.
    fn room(&self, batch: &Growing) -> ReadLimits {
        let size = usize::try_from(self.place.mapping().batch_size).unwrap_or(READ_RECORDS_MAX);
        let lanes = usize::try_from(self.place.row.slots).unwrap_or(1);
        let missing = size.saturating_sub(batch.records.len()).max(1);
        let bytes = READ_BYTES_MAX.saturating_sub(batch.bytes / 4 * 3).max(1);
        ReadLimits { records: missing.saturating_mul(lanes).min(READ_RECORDS_MAX), bytes }
    }

    /// The next records; at the tip it waits for them, but not beyond `wake`: then `None`.
    async fn read(
        &mut self,
        limits: ReadLimits,
        wake: Option<Timestamp>,
    ) -> Result<Option<Read>, ReadFailed> {
        let Place { stream, shard, poller, .. } = &self.place;
        let (clock, from) = (&poller.parts().clock, position(self.reader.read));
        loop {
            let read = stream.read(*shard, from, limits).await.map_err(ReadFailed::Stream)?;
            if !read.records.is_empty() || read.is_end {
                return Ok(Some(read));
            }
            if wake.is_some_and(|wake| wake <= clock.now()) {
                return Ok(None);
            }
            let alarm = async {
                match wake {
                    Some(wake) => clock.sleep_until(wake).await,
                    None => std::future::pending().await,
                }
            };
            let next = async {
                tokio::select! {
                    biased;
                    () = poller.stop.told() => Err(ReadFailed::Stopped),
                    read = stream.read_held(*shard, from, limits) => {
                        let (read, hold) = read.map_err(ReadFailed::Stream)?;
                        Ok((Some(read), hold))
                    }
                    hold = alarm => Ok((None, hold)),
                }
            };
            let (read, hold) = hold_until_it_waits(next, std::mem::take(&mut self.hold)).await?;
            self.hold = hold;
            if read.is_some() {
                return Ok(read);
            }
        }
    }

    /// The records of this lane up to `last` that follow what is done, and whether these are all: since a filter may want
    /// more now, no more are loaded than about fit into an event. `None` after a failure that has been waited for.
    pub(crate) async fn load(&mut self, last: SequenceNumber) -> Result<Option<(Vec<Record>, bool)>, Halt> {
        let limits = ReadLimits { records: READ_RECORDS_MAX, bytes: READ_BYTES_MAX };
        let (mut records, mut from) = (Vec::new(), self.lane.done);
        let mut bytes = 0;
        while from < Some(last) {
            if bytes > EVENT_BYTES_MAX {
                return Ok(Some((records, false)));
            }
            let read = match self.place.stream.read(self.place.shard, position(from), limits).await {
                Ok(read) => read,
                Err(StreamError::NoShard) => break,
                Err(error) => {
                    self.read_failed(error).await?;
                    return Ok(None);
                }
            };
            let Some(reached) = read.records.last() else { break };
            from = Some(reached.sequence_number);
            let place = &self.place;
            let wanted = read.records.into_iter().filter(|record| {
                record.sequence_number <= last
                    && place.row.is_for(place.slot, &record.partition_key, record.sequence_number)
                    && is_wanted(place, record)
            });
            for record in wanted {
                bytes += event_bytes(&record);
                records.push(record);
            }
        }
        Ok(Some((records, true)))
    }
}

enum ReadFailed {
    Stopped,
    Stream(StreamError),
}

/// Drops `hold` as soon as `future` has begun to wait: no moment is lost in between.
pub(crate) async fn hold_until_it_waits<F: Future>(future: F, hold: Hold) -> F::Output {
    let mut hold = Some(hold);
    let mut future = pin!(future);
    poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        if polled.is_pending() {
            drop(hold.take());
        }
        polled
    })
    .await
}

fn is_wanted(place: &Place, record: &Record) -> bool {
    let filter = &place.poller.filter;
    filter.wants_all() || filter.wants_record(&record.data, || metadata(place, record))
}

/// What a pattern may name beside the data.
fn metadata(place: &Place, record: &Record) -> Map<String, Value> {
    let number = record.sequence_number.to_string();
    let source = &place.mapping().source;
    let mut members = Map::new();
    let mut add = |name: &str, value: String| members.insert(name.to_owned(), Value::String(value));
    add("partitionKey", record.partition_key.clone());
    add("sequenceNumber", number.clone());
    add("kinesisSchemaVersion", "1.0".to_owned());
    add("eventSource", "aws:kinesis".to_owned());
    add("eventVersion", "1.0".to_owned());
    add("eventID", format!("{}:{number}", place.shard));
    add("eventName", "aws:kinesis:record".to_owned());
    add("awsRegion", source.region.to_string());
    add("eventSourceARN", source.to_string());
    members
}
