//! What happened, in order. It survives processes, and is judged at the end.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

use clock::Timestamp;
use serde_json::Value;

/// A message or record in a batch.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Which one.
    pub(crate) n: u64,
    /// Its message id or sequence number.
    pub(crate) id: String,
    /// Of streams.
    pub(crate) shard: String,
    /// Of queues: how often it was received.
    pub(crate) count: u32,
}

/// A tumbling window, as the function sees it.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) shard: String,
    /// What earlier invocations folded.
    pub(crate) state: Vec<u64>,
    pub(crate) is_final: bool,
    pub(crate) is_terminated_early: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Began {
    pub(crate) function: String,
    pub(crate) items: Vec<Item>,
    pub(crate) window: Option<Window>,
    pub(crate) payload_bytes: usize,
}

impl Began {
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.items.iter().map(|item| item.n).collect()
    }

    pub(crate) fn shards(&self) -> BTreeSet<&str> {
        self.items.iter().map(|item| &*item.shard).collect()
    }
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Success,
    /// Some succeeded.
    Partial,
    /// The function failed, or answered nonsense.
    Failure,
    Error,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Began(Began),
    Ended {
        /// The line of its beginning.
        began: usize,
        ending: Ending,
        done: BTreeSet<u64>,
    },
    /// It is not in its queue any more, but perhaps in another one.
    Removed {
        queue: String,
        n: u64,
        to: Option<String>,
    },
    /// A record of a batch that was given up was committed.
    GivenUp(Value),
    /// From here on the mapping must not run.
    Stopped {
        function: String,
    },
    /// It may again.
    Allowed {
        function: String,
    },
    /// The mapping was found to be enabled.
    Enabled {
        function: String,
    },
    /// It is being sent.
    Sent {
        n: u64,
    },
    /// Somebody does something to a mapping or a stream.
    Meddled {
        how: String,
    },
    /// A process ended.
    Killed,
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) what: What,
}

#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Vec<Line>>);

impl Journal {
    /// Returns the line.
    pub(crate) fn write(&self, at: Timestamp, what: What) -> usize {
        let mut lines = self.lines();
        lines.push(Line { at, what });
        lines.len() - 1
    }

    pub(crate) fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.0.lock().unwrap()
    }
}
