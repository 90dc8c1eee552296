//! How much a shard takes: 1,000 records and 1 MiB in a second ("Quotas and limits", Amazon Kinesis Data Streams
//! Developer Guide).
//!
//! A bucket holds what one second brings, and fills with time: platform time or execution time, whichever went further.
//! So limits hold at any speed of the clock, a test can turn the clock on by a second instead of waiting for one, and a
//! clock that stands still stops nobody for good. A record that is larger than the bucket needs a full one, and leaves
//! it in debt.

use clock::{Stopwatch, Timestamp};

const RECORDS_PER_SEC: f64 = 1_000.0;
const BYTES_PER_SEC: f64 = 1_048_576.0;

#[derive(Debug)]
pub(crate) struct Bucket {
    records: f64,
    bytes: f64,
    filled: Timestamp,
    since: Stopwatch,
}

impl Bucket {
    pub(crate) fn full(now: Timestamp) -> Self {
        Self { records: RECORDS_PER_SEC, bytes: BYTES_PER_SEC, filled: now, since: Stopwatch::start() }
    }

    /// Takes a record's share out, if there is enough.
    pub(crate) fn take(&mut self, bytes: usize, now: Timestamp) -> bool {
        self.fill(now);
        #[expect(clippy::cast_precision_loss, reason = "a record is far smaller than 2^52 bytes")]
        let bytes = bytes as f64;
        let is_enough = self.records >= 1.0 && self.bytes >= bytes.min(BYTES_PER_SEC);
        if is_enough {
            self.records -= 1.0;
            self.bytes -= bytes;
        }
        is_enough
    }

    fn fill(&mut self, now: Timestamp) {
        let passed = self.since.elapsed().max(now.saturating_since(self.filled)).as_secs_f64();
        self.since = Stopwatch::start();
        self.filled = now;
        self.records = (self.records + passed * RECORDS_PER_SEC).min(RECORDS_PER_SEC);
        self.bytes = (self.bytes + passed * BYTES_PER_SEC).min(BYTES_PER_SEC);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_brings_a_thousand_records_or_a_mebibyte() {
        let start = Timestamp::from_millis(5);
        let mut bucket = Bucket::full(start);
        assert!((0..1_000).all(|_| bucket.take(1, start)));
        // Execution time goes on meanwhile, but not for half a second.
        assert!(!(0..500).all(|_| bucket.take(1, start)));
        let later = start + Duration::from_secs(1);
        assert!(bucket.take(1 << 20, later));
        assert!(!bucket.take(1 << 19, later));
    }

    #[test]
    fn a_record_larger_than_the_bucket_leaves_it_in_debt() {
        let start = Timestamp::from_millis(5);
        let mut bucket = Bucket::full(start);
        assert!(bucket.take(10 << 20, start));
        let nearly = start + Duration::from_secs(9);
        assert!(!bucket.take(1 << 19, nearly));
        assert!(bucket.take(1 << 19, start + Duration::from_secs(11)));
    }
}
