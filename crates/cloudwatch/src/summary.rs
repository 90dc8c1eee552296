//! What is kept of the values of a period: count, sum, extremes, and how they are distributed.
//!
//! Values are sorted into buckets by rounding them to eight significant binary digits, so that whatever is computed
//! from a bucket is within 1/256 (0.4 %) of the values in it, and whole numbers up to 256 are exact. Should that be
//! more than [`BUCKETS_MAX`] buckets, two at a time become one, which doubles the error; so the space that a period
//! takes is bounded whatever is measured.

use serde::{Deserialize, Serialize};

/// Buckets of one period at most. Enough for values within a factor of 16 of each other at full precision, and for a
/// factor of 65,536 at 1.6 %.
const BUCKETS_MAX: usize = 512;

/// The bits of a double that are rounded away: all but seven of the 52 behind the leading one.
const SHIFT: u32 = 45;

/// The values of a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) count: f64,
    pub(crate) sum: f64,
    #[serde(rename = "min")]
    pub(crate) minimum: f64,
    #[serde(rename = "max")]
    pub(crate) maximum: f64,
    /// Rounded values by their bits, and how often each was there, in order. None: all values are the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    buckets: Vec<(u32, f64)>,
    /// How often two buckets at a time became one.
    #[serde(default, skip_serializing_if = "is_zero")]
    halved: u32,
    /// The distribution is not known: there were negative values, or sets of statistics, of which CloudWatch gives no
    /// percentiles either ("CloudWatch statistics definitions", Amazon CloudWatch user guide).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    opaque: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            count: 0.0,
            sum: 0.0,
            minimum: 0.0,
            maximum: 0.0,
            buckets: Vec::new(),
            halved: 0,
            opaque: false,
        }
    }
}

impl Summary {
    /// One value.
    pub(crate) fn of(value: f64) -> Self {
        let mut summary = Self::default();
        summary.add(value, 1.0);
        summary
    }

    /// A set of statistics that somebody else made.
    pub(crate) fn of_set(count: f64, sum: f64, minimum: f64, maximum: f64) -> Self {
        #[expect(clippy::float_cmp, reason = "only where it is exactly so are the values known")]
        let same = minimum == maximum && sum == minimum * count;
        if same {
            let mut summary = Self::default();
            summary.add(minimum, count);
            return summary;
        }
        Self { count, sum, minimum, maximum, opaque: true, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count <= 0.0
    }

    /// Forgets all values, and keeps the space for others.
    pub(crate) fn clear(&mut self) {
        let mut buckets = std::mem::take(&mut self.buckets);
        buckets.clear();
        *self = Self { buckets, ..Self::default() };
    }

    /// Adds a value that was there `count` times.
    pub(crate) fn add(&mut self, value: f64, count: f64) {
        if count <= 0.0 {
            return;
        }
        // There is no negative zero.
        let value = value + 0.0;
        if self.is_empty() {
            (self.minimum, self.maximum) = (value, value);
            self.opaque = value < 0.0;
        } else {
            self.spread_to(value, count);
            self.minimum = self.minimum.min(value);
            self.maximum = self.maximum.max(value);
        }
        self.count += count;
        self.sum += value * count;
    }

    /// Adds all values of another one.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        if self.opaque || other.opaque {
            self.lose_distribution();
        } else if other.buckets.is_empty() {
            self.spread_to(other.minimum, other.count);
        } else {
            self.spread();
            while self.halved < other.halved {
                self.halve();
            }
            let finer = self.halved - other.halved;
            self.buckets.extend(other.buckets.iter().map(|(bits, count)| (bits >> finer, *count)));
            self.tidy();
        }
        self.count += other.count;
        self.sum += other.sum;
        self.minimum = self.minimum.min(other.minimum);
        self.maximum = self.maximum.max(other.maximum);
    }

    /// The values in order, each with how often it was there; `None` where that is not known.
    pub(crate) fn distribution(&self) -> Option<Vec<(f64, f64)>> {
        if self.opaque || self.is_empty() {
            return None;
        }
        if self.buckets.is_empty() {
            return Some(vec![(self.minimum, self.count)]);
        }
        let within = |value: f64| value.max(self.minimum).min(self.maximum);
        Some(self.buckets.iter().map(|(bits, count)| (within(self.middle(*bits)), *count)).collect())
    }

    /// `value` as [`Summary::distribution`] rounds it.
    pub(crate) fn rounded(&self, value: f64) -> f64 {
        if value <= 0.0 || !value.is_finite() {
            return value;
        }
        self.middle(bits_of(value) >> self.halved)
    }

    /// The value in the middle of a bucket.
    fn middle(&self, bits: u32) -> f64 {
        // At first a bucket is one rounded value; later it is a row of them.
        let first = u64::from(bits) << (self.halved + SHIFT);
        let row = ((1_u64 << self.halved) - 1) << SHIFT;
        f64::from_bits(first + row / 2)
    }

    /// Drops what only percentiles need.
    pub(crate) fn lose_distribution(&mut self) {
        self.buckets.clear();
        self.opaque = true;
    }

    /// Adds to the buckets; the first value that is another one makes them necessary.
    fn spread_to(&mut self, value: f64, count: f64) {
        if self.opaque {
            return;
        }
        if value < 0.0 {
            self.lose_distribution();
            return;
        }
        #[expect(clippy::float_cmp, reason = "the very same value needs no bucket")]
        let same = self.buckets.is_empty() && value == self.minimum;
        if same {
            return;
        }
        self.spread();
        let bits = bits_of(value) >> self.halved;
        match self.buckets.binary_search_by_key(&bits, |(bits, _)| *bits) {
            Ok(at) => self.buckets[at].1 += count,
            Err(at) => {
                self.buckets.insert(at, (bits, count));
                self.limit();
            }
        }
    }

    /// Puts the values so far, which were all the same, into a bucket.
    fn spread(&mut self) {
        if self.buckets.is_empty() {
            self.buckets.push((bits_of(self.minimum) >> self.halved, self.count));
        }
    }

    fn tidy(&mut self) {
        self.buckets.sort_unstable_by_key(|(bits, _)| *bits);
        self.buckets.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1 += later.1;
            }
            same
        });
        self.limit();
    }

    fn limit(&mut self) {
        while self.buckets.len() > BUCKETS_MAX {
            self.halve();
        }
    }

    /// Makes half as many buckets.
    fn halve(&mut self) {
        self.halved += 1;
        for (bits, _) in &mut self.buckets {
            *bits >>= 1;
        }
        self.tidy();
    }
}

/// The bits of a value that is not negative, rounded; the greater the value, the greater they are.
fn bits_of(value: f64) -> u32 {
    let rounded = (value.to_bits() + (1 << (SHIFT - 1))) >> SHIFT;
    u32::try_from(rounded).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
