//! What waits to be written: bounded, and never waited for by those who log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clock::Timestamp;
use targets::{LogLine, LogStream};
use tasks::Tasks;
use tokio::sync::{Notify, oneshot};

use super::{Item, PutError, Written};
use crate::event::{EVENT_BYTES_MAX, OVERHEAD_BYTES, size_bytes};

/// Messages of all streams that may wait; what comes on top is lost and counted.
const QUEUE_BYTES_MAX: usize = 64 << 20;

/// Messages of one stream that may wait, so that one function that logs too much does not take the others' place.
const STREAM_BYTES_MAX: usize = 8 << 20;

/// Streams whose losses are counted apart. Beyond that losses stand in the server's own log only.
const LOSERS_MAX: usize = 4_096;

/// The most of one stream's messages that become one item, and so go into one transaction.
const ITEM_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    lines: Notify,
    urgent: Notify,
}

#[derive(Debug, Default)]
struct State {
    streams: HashMap<Arc<LogStream>, Lines>,
    bytes: usize,
    puts: Vec<Item>,
    flushes: Vec<oneshot::Sender<()>>,
    lost: HashMap<Arc<LogStream>, usize>,
    /// The writer has ended.
    is_closed: bool,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<Written>,
    bytes: usize,
}

/// Why the writer is to go to work, or to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// Somebody waits for the answer.
    Urgent,
    Lines,
    End,
}

/// Everything that waited.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) items: Vec<Item>,
    pub(super) flushes: Vec<oneshot::Sender<()>>,
}

impl Queue {
    /// Takes lines over without waiting.
    pub(crate) fn write(&self, stream: &Arc<LogStream>, lines: Vec<LogLine>) {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            tracing::error!(?stream, lines = lines.len(), "log lines came after the end and are lost");
            return;
        }
        for line in lines {
            state.push(stream, line);
        }
        drop(state);
        self.lines.notify_one();
    }

    /// Stores events and waits until they are.
    pub(crate) async fn put(&self, stream: Arc<LogStream>, events: Vec<Written>) -> Result<(), PutError> {
        let (reply, answer) = oneshot::channel();
        self.add(|state| state.puts.push(Item { stream, events, reply: Some(reply) }));
        answer.await.unwrap_or(Err(PutError::Unavailable))
    }

    /// Completes once everything that waits now is stored or lost.
    pub(crate) async fn flush(&self) {
        let (flushed, done) = oneshot::channel();
        self.add(|state| state.flushes.push(flushed));
        // Once the writer has ended there is nothing to wait for.
        let _ended = done.await;
    }

    /// Adds what somebody waits for. Once the writer has ended it is dropped, and its channel with it.
    fn add(&self, add: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        if !state.is_closed {
            add(&mut state);
            self.urgent.notify_one();
        }
    }

    /// Counts lines that the store did not take. The next batch of their stream says so.
    pub(super) fn count_lost(&self, stream: &Arc<LogStream>, lines: usize) {
        self.lock().lose(stream, lines);
    }

    /// Completes when somebody waits for an answer.
    pub(super) async fn urgent(&self) {
        self.urgent.notified().await;
    }

    /// Waits for work. Once the shutdown is announced and there is none, the queue takes nothing any more.
    pub(super) async fn wait(&self, tasks: &Tasks) -> Wake {
        loop {
            {
                let mut state = self.lock();
                if !state.puts.is_empty() || !state.flushes.is_empty() {
                    return Wake::Urgent;
                }
                if !state.streams.is_empty() {
                    return Wake::Lines;
                }
                if tasks.is_shutting_down() {
                    state.is_closed = true;
                    return Wake::End;
                }
            }
            tokio::select! {
                () = self.lines.notified() => {}
                () = self.urgent.notified() => {}
                () = tasks.shutting_down() => {}
            }
        }
    }

    /// Everything that waits, and what must be said of what was lost.
    pub(super) fn take(&self, now: Timestamp) -> Batch {
        let mut state = std::mem::take(&mut *self.lock());
        for (stream, count) in std::mem::take(&mut state.lost) {
            let note = Written {
                timestamp_ms: now.as_millis(),
                message: format!(
                    "[Lambent] {count} log lines were lost here: they could not be stored in time."
                ),
            };
            state.streams.entry(stream).or_default().lines.push(note);
        }
        let mut items = state.puts;
        for (stream, lines) in state.streams {
            split(&stream, lines.lines, &mut items);
        }
        Batch { items, flushes: state.flushes }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in between can panic half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, stream: &Arc<LogStream>, line: LogLine) {
        let timestamp_ms = line.timestamp.as_millis().max(0);
        for message in pieces(line.message) {
            let size = size_bytes(&message);
            let lines = self.streams.entry(Arc::clone(stream)).or_default();
            if self.bytes + size > QUEUE_BYTES_MAX || lines.bytes + size > STREAM_BYTES_MAX {
                self.lose(stream, 1);
                continue;
            }
            lines.bytes += size;
            self.bytes += size;
            lines.lines.push(Written { timestamp_ms, message });
        }
    }

    fn lose(&mut self, stream: &Arc<LogStream>, lines: usize) {
        if self.lost.len() >= LOSERS_MAX && !self.lost.contains_key(stream) {
            tracing::error!(?stream, lines, "log lines are lost");
            return;
        }
        *self.lost.entry(Arc::clone(stream)).or_default() += lines;
    }
}

/// A line that is longer than an event may be becomes several.
fn pieces(message: String) -> Vec<String> {
    let max = EVENT_BYTES_MAX - OVERHEAD_BYTES;
    if message.len() <= max {
        return vec![message];
    }
    let mut pieces = Vec::new();
    let mut rest = message.as_str();
    while !rest.is_empty() {
        let end =
            (0..=max.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at(end);
        pieces.push(piece.to_owned());
        rest = behind;
    }
    pieces
}

/// Makes items, in order, none of which is too large for a transaction.
fn split(stream: &Arc<LogStream>, lines: Vec<Written>, items: &mut Vec<Item>) {
    let item = |events| Item { stream: Arc::clone(stream), events, reply: None };
    let (mut events, mut bytes) = (Vec::new(), 0);
    for line in lines {
        let size = size_bytes(&line.message);
        if bytes + size > ITEM_BYTES_MAX && !events.is_empty() {
            items.push(item(std::mem::take(&mut events)));
            bytes = 0;
        }
        bytes += size;
        events.push(line);
    }
    if !events.is_empty() {
        items.push(item(events));
    }
}

#[cfg(test)]
mod tests {
    use ids::{AccountId, Region};

    use super::*;

    fn stream(name: &str) -> Arc<LogStream> {
        Arc::new(LogStream {
            account: AccountId::parse("000000000000").unwrap(),
            region: Region::parse("eu-central-1").unwrap(),
            group: "g".to_owned(),
            stream: name.to_owned(),
        })
    }

    fn line(message: String) -> LogLine {
        LogLine { timestamp: Timestamp::from_millis(5), message }
    }

    #[test]
    fn what_one_stream_has_too_much_of_is_counted_and_said() {
        let queue = Queue::default();
        let (loud, quiet) = (stream("loud"), stream("quiet"));
        let megabyte = "x".repeat((1 << 20) - OVERHEAD_BYTES);
        for _ in 0..10 {
            queue.write(&loud, vec![line(megabyte.clone())]);
        }
        queue.write(&quiet, vec![line("hello".to_owned())]);
        let batch = queue.take(Timestamp::from_millis(9));
        let of = |name: &str| -> Vec<&Written> {
            batch
                .items
                .iter()
                .filter(|item| item.stream.stream == name)
                .flat_map(|item| &item.events)
                .collect()
        };
        assert_eq!(of("loud").len(), 9);
        assert_eq!(
            of("loud")[8].message,
            "[Lambent] 2 log lines were lost here: they could not be stored in time."
        );
        assert_eq!(of("quiet").len(), 1);
        assert!(batch.items.iter().all(|item| item.bytes() <= ITEM_BYTES_MAX + 100));
        assert!(queue.take(Timestamp::from_millis(9)).items.is_empty());
    }

    #[test]
    fn a_line_too_long_for_an_event_is_split_between_characters() {
        let long = "é".repeat(EVENT_BYTES_MAX);
        let parts = pieces(long.clone());
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|part| size_bytes(part) <= EVENT_BYTES_MAX));
        assert_eq!(parts.concat(), long);
    }
}
