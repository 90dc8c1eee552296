//! What a batch means for the store: chunks, the streams' new records, and groups and streams that must be made.

use std::collections::HashMap;
use std::sync::Arc;

use store::{Check, Row, Snapshot, TableError, Transaction};
use targets::LogStream;

use super::{Item, PutError, Written};
use crate::event::size_bytes;
use crate::service::Inner;
use crate::tables::{CHUNK_SPAN_MS, CHUNKS, Chunk, GROUPS, Group, RECENT, STREAMS, Stream, add_bytes};

/// Messages in a chunk, so that as JSON it mostly fits one entry of the store.
const CHUNK_BYTES_MAX: usize = 48 << 10;

/// Which account, region and name.
type GroupName = (String, String, String);

/// A transaction as it grows.
pub(super) struct Draft<'a> {
    inner: &'a Inner,
    snapshot: &'a dyn Snapshot,
    now_ms: i64,
    transaction: Transaction,
    /// Ids of the groups that were found or made.
    groups: HashMap<GroupName, u64>,
    streams: HashMap<Arc<LogStream>, Target>,
    missing: HashMap<usize, PutError>,
}

/// A stream that is written to.
struct Target {
    group: u64,
    name: String,
    /// As it is stored; absent when it is made here.
    row: Option<Row<Stream>>,
    record: Stream,
    bytes: i64,
}

/// What a transaction would leave behind.
#[derive(Debug)]
pub(super) struct Plan {
    /// Items (by index) whose stream does not exist.
    pub(super) missing: HashMap<usize, PutError>,
    /// One of the streams, as it is once the transaction was applied.
    proof: Option<(u64, String, Stream)>,
}

impl Plan {
    #[expect(clippy::new_ret_no_self, reason = "a plan begins as a draft")]
    pub(super) fn new<'a>(inner: &'a Inner, snapshot: &'a dyn Snapshot) -> Draft<'a> {
        Draft {
            inner,
            snapshot,
            now_ms: inner.clock.now().as_millis(),
            transaction: Transaction::new(),
            groups: HashMap::new(),
            streams: HashMap::new(),
            missing: HashMap::new(),
        }
    }

    /// Whether the transaction was applied, although its commit did not say so.
    pub(super) async fn was_applied(&self, snapshot: &dyn Snapshot) -> Result<bool, TableError> {
        let Some((group, name, record)) = &self.proof else { return Ok(false) };
        let row = STREAMS.get(snapshot, &[(*group).into(), name.into()]).await?;
        Ok(row.is_some_and(|row| row.record == *record))
    }
}

impl Draft<'_> {
    /// Adds an item's events, unless its stream does not exist and is not to be made.
    pub(super) async fn add(&mut self, index: usize, item: &Item) -> Result<(), TableError> {
        if !self.streams.contains_key(&item.stream) {
            match self.find(&item.stream, item.reply.is_none()).await? {
                Ok(target) => {
                    self.streams.insert(Arc::clone(&item.stream), target);
                }
                Err(error) => {
                    self.missing.insert(index, error);
                    return Ok(());
                }
            }
        }
        if let Some(target) = self.streams.get_mut(&item.stream) {
            target.append(&mut self.transaction, &item.events, self.now_ms)?;
        }
        Ok(())
    }

    /// The whole transaction.
    pub(super) fn finish(mut self) -> Result<(Plan, Transaction), TableError> {
        let mut proof = None;
        for target in self.streams.into_values() {
            target.write(&mut self.transaction)?;
            proof = Some((target.group, target.name, target.record));
        }
        Ok((Plan { missing: self.missing, proof }, self.transaction))
    }

    async fn find(&mut self, stream: &LogStream, make: bool) -> Result<Result<Target, PutError>, TableError> {
        let Some(group) = self.find_group(stream, make).await? else {
            return Ok(Err(PutError::GroupMissing));
        };
        let name = stream.stream.clone();
        let row = STREAMS.get(self.snapshot, &[group.into(), (&name).into()]).await?;
        let record = match &row {
            Some(row) => row.record.clone(),
            None if make => Stream::new(self.inner.ids.bits(), self.now_ms),
            None => return Ok(Err(PutError::StreamMissing)),
        };
        Ok(Ok(Target { group, name, row, record, bytes: 0 }))
    }

    async fn find_group(&mut self, stream: &LogStream, make: bool) -> Result<Option<u64>, TableError> {
        let LogStream { account, region, group, .. } = stream;
        let name = (account.to_string(), region.to_string(), group.clone());
        if let Some(id) = self.groups.get(&name) {
            return Ok(Some(*id));
        }
        let parts = [account.as_str().into(), region.as_str().into(), group.into()];
        let id = match GROUPS.get(self.snapshot, &parts).await? {
            Some(row) => {
                // Should it be deleted in between, nothing may be written.
                self.transaction.checks.push(Check::Version(row.key, row.version));
                row.record.id
            }
            None if make => {
                let group = Group {
                    id: self.inner.ids.bits(),
                    created_ms: self.now_ms,
                    retention_days: None,
                    expiry_due: None,
                    tags: std::collections::BTreeMap::new(),
                };
                GROUPS.insert(&mut self.transaction, &parts, &group)?;
                group.id
            }
            None => return Ok(None),
        };
        self.groups.insert(name, id);
        Ok(Some(id))
    }
}

impl Target {
    /// Adds chunks. A chunk is bounded in size and in time.
    fn append(
        &mut self,
        transaction: &mut Transaction,
        events: &[Written],
        now_ms: i64,
    ) -> Result<(), TableError> {
        // Lines of one environment come from several places (the runtime, its output, extensions), and so not
        // quite in order.
        let mut ordered: Vec<&Written> = events.iter().collect();
        ordered.sort_by_key(|event| event.timestamp_ms);

        let (mut chunk, mut bytes) = (Vec::new(), 0);
        for event in ordered {
            let first_ms =
                chunk.first().map_or(event.timestamp_ms, |(first_ms, _): &(i64, String)| *first_ms);
            let size = size_bytes(&event.message);
            let is_full = bytes + size > CHUNK_BYTES_MAX || event.timestamp_ms - first_ms >= CHUNK_SPAN_MS;
            if is_full && !chunk.is_empty() {
                self.put_chunk(transaction, std::mem::take(&mut chunk), now_ms)?;
                bytes = 0;
            }
            bytes += size;
            chunk.push((event.timestamp_ms, event.message.clone()));
        }
        if chunk.is_empty() { Ok(()) } else { self.put_chunk(transaction, chunk, now_ms) }
    }

    fn put_chunk(
        &mut self,
        transaction: &mut Transaction,
        events: Vec<(i64, String)>,
        now_ms: i64,
    ) -> Result<(), TableError> {
        let (Some((first_ms, _)), Some((last_ms, _))) = (events.first(), events.last()) else {
            return Ok(());
        };
        let (first_ms, last_ms) = (*first_ms, *last_ms);
        let record = &mut self.record;
        let chunk = Chunk { ingested_ms: now_ms, events };
        self.bytes += chunk.bytes();
        let parts = [self.group.into(), record.id.into(), first_ms.into(), record.next_sequence.into()];
        CHUNKS.put(transaction, &parts, &chunk)?;
        record.next_sequence += 1;
        record.first_event_ms = Some(record.first_event_ms.map_or(first_ms, |known| known.min(first_ms)));
        record.last_event_ms = Some(record.last_event_ms.map_or(last_ms, |known| known.max(last_ms)));
        record.last_ingestion_ms = Some(now_ms);
        Ok(())
    }

    /// Adds the stream's new record, and moves it to its place among the others.
    fn write(&self, transaction: &mut Transaction) -> Result<(), TableError> {
        let (group, name) = (self.group, self.name.as_str());
        let recency = self.record.recency();
        match &self.row {
            Some(row) => {
                STREAMS.update(transaction, row, &self.record)?;
                if row.record.recency() != recency {
                    RECENT.delete(transaction, &[group.into(), row.record.recency().into(), name.into()]);
                    RECENT.put(transaction, &[group.into(), recency.into(), name.into()], &())?;
                }
            }
            None => {
                STREAMS.insert(transaction, &[group.into(), name.into()], &self.record)?;
                RECENT.put(transaction, &[group.into(), recency.into(), name.into()], &())?;
            }
        }
        add_bytes(transaction, group, self.bytes);
        Ok(())
    }
}
