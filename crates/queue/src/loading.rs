//! Reading a queue's rows into memory.

use std::collections::HashSet;
use std::time::Duration;

use clock::Timestamp;
use store::{Bytes, Entry as StoredEntry, KeyReader, Snapshot, StoreError, prefix_end};

use crate::QueueError;
use crate::entry::{Entry, Position};
use crate::head::{Head, Loaded};
use crate::order::{Page, Part};
use crate::queue::Queue;
use crate::rows::{Rows, at_position, position_of};
use crate::window::Room;

/// What is to be read.
enum Plan {
    All { floor: u64, busy: HashSet<u64> },
    Page(Page),
}

impl Plan {
    /// With the time and the state that it is for.
    fn make(head: &mut Head) -> Option<(Self, Timestamp, u64)> {
        let plan = if head.is_loaded {
            // Where it goes on may have changed since it was wanted.
            let mut page = head.wanted.take().and_then(|part| head.order.page(part))?;
            if page.part == Part::Line {
                // What was sent before is too old.
                page.from = page.from.max(just_after(head.cutoff()));
            }
            head.start_reading();
            Self::Page(page)
        } else {
            Self::All { floor: head.floor, busy: head.start_reading() }
        };
        Some((plan, head.now, head.epoch))
    }
}

/// Nothing falls in between what is read and what is settled meanwhile.
struct Reading<'a>(&'a Queue);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.locked(Head::end_reading);
    }
}

impl Queue {
    /// Reads what the head lacks, unless somebody else just did.
    pub(crate) async fn read(&self) -> Result<(), QueueError> {
        let _turn = self.reading_turn().await;
        let Some((plan, now, epoch)) = self.locked(|head, _| Plan::make(head)) else { return Ok(()) };
        let _reading = Reading(self);
        let snapshot = self.platform().store.snapshot().await?;
        let (rows, room) = (self.rows(), self.platform().room);
        match plan {
            Plan::All { floor, busy } => {
                let mut loader = Loader { room, snapshot: &*snapshot, rows, now, floor, busy: &busy };
                let loaded = if self.is_fifo() { loader.fifo().await } else { loader.standard().await }?;
                if loaded.is_purged {
                    self.start_sweep(loaded.floor);
                }
                self.locked(|head, _| (head.epoch == epoch).then(|| head.install_loaded(loaded)));
            }
            Plan::Page(page) => {
                let (entries, from) = read_page(room, &*snapshot, rows, now, page).await?;
                self.locked(|head, _| (head.epoch == epoch).then(|| head.install_page(page, entries, from)));
            }
        }
        Ok(())
    }
}

const fn just_after(now: Timestamp) -> Position {
    (Timestamp::from_micros(now.as_micros() + 1), 0)
}

/// The entries of a page, and where the next one begins.
async fn read_page(
    room: Room,
    snapshot: &dyn Snapshot,
    rows: &Rows,
    now: Timestamp,
    page: Page,
) -> Result<(Vec<Entry>, Option<Position>), StoreError> {
    let (table, end) = match page.part {
        Part::Line => (&rows.line, prefix_end(&rows.line)),
        Part::Due => (&rows.waiting, at_position(&rows.waiting, just_after(now))),
        Part::Delayed => (&rows.waiting, prefix_end(&rows.waiting)),
    };
    let stored = snapshot.range(&at_position(table, page.from), &end, room.page, false).await?;
    let entries = stored
        .iter()
        .map(|stored| decode(rows, table, stored))
        .collect::<Result<Vec<Entry>, StoreError>>()?;
    let next = entries.last().filter(|_| entries.len() == room.page).map(|last| (last.at, last.seq + 1));
    Ok((entries, next))
}

pub(crate) fn decode(rows: &Rows, table: &Bytes, stored: &StoredEntry) -> Result<Entry, StoreError> {
    let position = position_of(table, stored)?;
    if *table == rows.line {
        Entry::decode_line(position, &stored.value)
    } else {
        Entry::decode_waiting(position, &stored.value)
    }
}

/// Reads what must be known before anything is handed out.
struct Loader<'a> {
    room: Room,
    snapshot: &'a dyn Snapshot,
    rows: &'a Rows,
    now: Timestamp,
    floor: u64,
    busy: &'a HashSet<u64>,
}

impl Loader<'_> {
    /// What is in flight, and the nearest of the delayed messages.
    async fn standard(&mut self) -> Result<Loaded, StoreError> {
        let mut loaded = self.figures().await?;
        let mut from = Some(just_after(self.now));
        while let Some(start) = from {
            let (entries, next) = self.waiting(start).await?;
            for entry in entries {
                if entry.count > 0 {
                    loaded.in_flight.push(entry);
                    continue;
                }
                loaded.delayed_count += 1;
                if loaded.delayed.len() < self.room.window {
                    loaded.delayed.push(entry);
                } else if loaded.delayed_from.is_none() {
                    loaded.delayed_from = Some(entry.position());
                }
            }
            from = next;
        }
        Ok(loaded)
    }

    /// All that were received: they stand at the head of their groups, and there are never more of them than messages
    /// are looked through for a group that is not locked.
    async fn fifo(&mut self) -> Result<Loaded, StoreError> {
        let mut loaded = self.figures().await?;
        let mut from = Some((Timestamp::from_micros(i64::MIN), 0));
        while let Some(start) = from {
            let (entries, next) = self.waiting(start).await?;
            let now = self.now;
            let (in_flight, returned) =
                entries.into_iter().partition::<Vec<_>, _>(|entry| entry.is_in_flight(now));
            loaded.in_flight.extend(in_flight);
            loaded.returned.extend(returned);
            from = next;
        }
        let messages = &self.rows.messages;
        let last = self.snapshot.range(messages, &prefix_end(messages), 1, true).await?;
        loaded.last_sent =
            last.first().map(|last| position_of(messages, last)).transpose()?.map(|(at, _)| at);
        Ok(loaded)
    }

    async fn figures(&mut self) -> Result<Loaded, StoreError> {
        let Rows { sequence, messages, floor, .. } = self.rows;
        let sequence_limit = self.greatest(sequence).await?.unwrap_or(0);
        let purged = self.greatest(floor).await?;
        self.floor = self.floor.max(purged.unwrap_or(0));
        let oldest = self.snapshot.range(messages, &prefix_end(messages), 1, false).await?;
        let oldest =
            oldest.first().map(|first| position_of(messages, first)).transpose()?.map(|(sent, _)| sent);
        let is_purged = purged.is_some();
        Ok(Loaded { sequence_limit, floor: self.floor, is_purged, oldest, ..Loaded::default() })
    }

    /// The greatest of the numbers that are keys of a table.
    async fn greatest(&self, table: &Bytes) -> Result<Option<u64>, StoreError> {
        let last = self.snapshot.range(table, &prefix_end(table), 1, true).await?;
        last.first().map(|last| KeyReader::new(&last.key[table.len()..]).u64()).transpose()
    }

    /// A page of those that wait, without what is nobody's business, and where the next page begins.
    async fn waiting(&self, from: Position) -> Result<(Vec<Entry>, Option<Position>), StoreError> {
        let page = Page { part: Part::Delayed, from };
        let (mut entries, next) = read_page(self.room, self.snapshot, self.rows, self.now, page).await?;
        entries.retain(|entry| entry.seq >= self.floor && !self.busy.contains(&entry.seq));
        // A long list is no reason to keep others from running.
        tokio::task::yield_now().await;
        Ok((entries, next))
    }
}

/// The first of the messages that wait for a time yet to come.
pub(crate) async fn read_waiting(
    snapshot: &dyn Snapshot,
    rows: &Rows,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let from = at_position(&rows.waiting, just_after(now));
    let stored = snapshot.range(&from, &prefix_end(&rows.waiting), limit, false).await?;
    stored.iter().map(|stored| decode(rows, &rows.waiting, stored)).collect()
}

/// The first of the messages of a FIFO queue that are delayed.
pub(crate) async fn read_delayed(
    snapshot: &dyn Snapshot,
    rows: &Rows,
    now: Timestamp,
    delay: Duration,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let from = at_position(&rows.line, just_after(now - delay));
    let stored = snapshot.range(&from, &prefix_end(&rows.line), limit, false).await?;
    stored.iter().map(|stored| decode(rows, &rows.line, stored)).collect()
}

/// How many messages of a FIFO queue are delayed now.
pub(crate) async fn count_delayed(
    snapshot: &dyn Snapshot,
    rows: &Rows,
    now: Timestamp,
    delay: Duration,
) -> Result<u64, StoreError> {
    let mut count = 0;
    let mut from = Some(just_after(now - delay));
    while let Some(start) = from {
        let (entries, next) =
            read_page(Room::USUAL, snapshot, rows, now, Page { part: Part::Line, from: start }).await?;
        count += entries.len() as u64;
        from = next;
        tokio::task::yield_now().await;
    }
    Ok(count)
}
