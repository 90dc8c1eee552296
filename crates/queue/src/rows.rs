//! Where a queue's rows lie.

use clock::Timestamp;
use store::{Bytes, Entry as StoredEntry, KeyPart, KeyReader, StoreError, key, prefix_end};

use crate::QueueId;
use crate::entry::{Entry, Position};

/// The name of the table of [`Rows::waiting`], for those who look at all queues.
pub(crate) const WAITING: &str = "queue-waiting";
/// Queues that are to be removed, by id.
pub(crate) const REMOVED: &str = "queue-removed";

/// The common beginnings of a queue's keys.
///
/// A message is a record by the time it was sent and its number, so that what is beyond its retention is always at
/// the start. A small row says when it can be received: in the line as long as it was neither received nor delayed,
/// else among those that wait or waited. Nothing has to be written when a wait ends.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Records, by (sent, number).
    pub(crate) messages: Bytes,
    /// Further parts of large records, by (sent, number, part).
    pub(crate) parts: Bytes,
    /// Fresh messages, by position.
    pub(crate) line: Bytes,
    /// Messages that were received, delayed or redriven, by position.
    pub(crate) waiting: Bytes,
    /// What deduplicates sends and receives, by (window, hash).
    pub(crate) tokens: Bytes,
    /// Upper limits of the numbers given so far; the greatest holds.
    pub(crate) sequence: Bytes,
    /// How many messages there are: a counter.
    pub(crate) count: Bytes,
    /// Numbers below which messages are purged; the greatest holds.
    pub(crate) floor: Bytes,
}

impl Rows {
    pub(crate) fn new(id: &QueueId) -> Self {
        let prefix = |table: &str| key(&[table.into(), (&id.0).into()]);
        Self {
            messages: prefix("queue-message"),
            parts: prefix("queue-part"),
            line: prefix("queue-line"),
            waiting: prefix(WAITING),
            tokens: prefix("queue-token"),
            sequence: prefix("queue-sequence"),
            count: prefix("queue-count"),
            floor: prefix("queue-floor"),
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> [&Bytes; 8] {
        let Self { messages, parts, line, waiting, tokens, sequence, count, floor } = self;
        [line, waiting, parts, messages, tokens, sequence, count, floor]
    }

    /// The key of a message's record.
    pub(crate) fn message(&self, sent: Timestamp, seq: u64) -> Bytes {
        at_position(&self.messages, (sent, seq))
    }

    /// The keys of the further parts of a message's record.
    pub(crate) fn parts_of(&self, sent: Timestamp, seq: u64) -> (Bytes, Bytes) {
        let prefix = at_position(&self.parts, (sent, seq));
        let end = prefix_end(&prefix);
        (prefix, end)
    }

    /// The key of one further part.
    pub(crate) fn part(&self, sent: Timestamp, seq: u64, index: u16) -> Bytes {
        under(&self.parts, &[sent.into(), seq.into(), u64::from(index).into()])
    }

    /// The key of the row that says when the message can be received.
    pub(crate) fn entry(&self, entry: &Entry) -> Bytes {
        let table = if entry.is_in_line() { &self.line } else { &self.waiting };
        at_position(table, entry.position())
    }

    /// The key of a limit of numbers.
    pub(crate) fn sequence_limit(&self, limit: u64) -> Bytes {
        under(&self.sequence, &[limit.into()])
    }

    /// The key of a purge.
    pub(crate) fn floor_at(&self, floor: u64) -> Bytes {
        under(&self.floor, &[floor.into()])
    }

    /// The common beginning of the tokens of a window.
    pub(crate) fn token_window(&self, window: u64) -> Bytes {
        under(&self.tokens, &[window.into()])
    }

    /// The key of a token.
    pub(crate) fn token(&self, window: u64, hash: &[u8]) -> Bytes {
        under(&self.tokens, &[window.into(), hash.into()])
    }
}

/// The key of a queue that is to be removed.
pub(crate) fn removed(id: &QueueId) -> Bytes {
    key(&[REMOVED.into(), (&id.0).into()])
}

/// The key at `position` below `prefix`.
pub(crate) fn at_position(prefix: &[u8], (at, seq): Position) -> Bytes {
    under(prefix, &[at.into(), seq.into()])
}

fn under(prefix: &[u8], parts: &[KeyPart<'_>]) -> Bytes {
    [prefix, &key(parts)].concat().into()
}

/// The position within a key below `prefix`.
pub(crate) fn position_of(prefix: &[u8], stored: &StoredEntry) -> Result<Position, StoreError> {
    let mut reader = KeyReader::new(&stored.key[prefix.len()..]);
    Ok((reader.timestamp()?, reader.u64()?))
}
