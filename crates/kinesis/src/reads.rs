//! How much is read of a shard: five times and 2 MiB in a second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clock::{Stopwatch, Timestamp};
use stream::ShardId;

/// "Each shard can support up to five read transactions per second" (developer guide, quotas).
const READS_MAX: u32 = 5;
/// "up to a maximum total data read rate of 2 MB per second"; ten times that much in one call count for five seconds.
const BYTES_PER_SECOND: u64 = 2 << 20;

/// What was read of a stream's shards of late.
#[derive(Debug, Default)]
pub(crate) struct Reads(Mutex<HashMap<ShardId, Window>>);

/// What was read since a moment. It ends after a second, or later when more was read than a second has.
///
/// A second of real time counts as well as one of the platform's: clients go on asking while a virtual clock stands.
#[derive(Debug)]
struct Window {
    start: Timestamp,
    stopwatch: Stopwatch,
    reads: u32,
    bytes: u64,
}

impl Window {
    fn begin(now: Timestamp) -> Self {
        Self { start: now, stopwatch: Stopwatch::start(), reads: 0, bytes: 0 }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        let length = Duration::from_secs(self.bytes.div_ceil(BYTES_PER_SECOND).max(1));
        now.saturating_since(self.start).max(self.stopwatch.elapsed()) >= length
    }
}

impl Reads {
    /// Counts a read, unless there were enough.
    pub(crate) fn admit(&self, shard: ShardId, now: Timestamp) -> bool {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(shard).or_insert_with(|| Window::begin(now));
        if window.is_over(now) {
            *window = Window::begin(now);
        }
        let is_admitted = window.reads < READS_MAX && window.bytes < BYTES_PER_SECOND;
        window.reads += u32::from(is_admitted);
        is_admitted
    }

    /// So much was read.
    pub(crate) fn add(&self, shard: ShardId, bytes: usize) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = windows.get_mut(&shard) {
            window.bytes += bytes as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_reads_in_a_second() {
        let (reads, start) = (Reads::default(), Timestamp::from_millis(0));
        let admitted = |at: u64| reads.admit(ShardId(0), start + Duration::from_millis(at));
        assert_eq!([0, 0, 1, 2, 999, 999].map(admitted), [true, true, true, true, true, false]);
        assert!(reads.admit(ShardId(1), start), "each shard has its own");
        assert!(admitted(1_000));
    }

    /// "If a call returns this amount of data [10 MiB], subsequent calls made within the next 5 seconds throw" (API reference,
    /// `GetRecords`).
    #[test]
    fn ten_mib_are_enough_for_five_seconds() {
        let (reads, start) = (Reads::default(), Timestamp::from_millis(0));
        let admitted = |at: u64| reads.admit(ShardId(0), start + Duration::from_millis(at));
        assert!(admitted(0));
        reads.add(ShardId(0), 10 << 20);
        assert_eq!([0, 1_000, 4_999, 5_000].map(admitted), [false, false, false, true]);
    }
}
