//! The one source of randomness. Seeded, a whole run can be repeated.

use std::sync::{Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use crate::RequestId;

/// Draws ids and random bits from a cryptographically strong generator.
#[derive(Debug)]
pub struct IdSource {
    rng: Mutex<StdRng>,
}

impl IdSource {
    /// Seeded by the operating system: what a server uses.
    #[must_use]
    pub fn from_entropy() -> Self {
        Self { rng: Mutex::new(StdRng::from_os_rng()) }
    }

    /// Repeatable: what a simulation uses.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { rng: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    /// A source of its own for one component, so that a draw more in one does not shift what another sees.
    #[must_use]
    pub fn split(&self) -> Self {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        Self { rng: Mutex::new(StdRng::from_seed(seed)) }
    }

    /// A fresh request id.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        let mut bits = [0; 16];
        self.fill(&mut bits);
        RequestId::from_random(u128::from_be_bytes(bits))
    }

    /// 64 random bits.
    #[must_use]
    pub fn bits(&self) -> u64 {
        let mut bits = [0; 8];
        self.fill(&mut bits);
        u64::from_be_bytes(bits)
    }

    /// A number from 0 (inclusive) to 1 (exclusive), evenly spread.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double's mantissa exactly")]
    pub fn unit(&self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// `digits` random hexadecimal digits, lower case.
    #[must_use]
    pub fn hex(&self, digits: usize) -> String {
        self.text(digits, b"0123456789abcdef")
    }

    /// `length` random characters out of `alphabet`, such as AWS's unique ids and keys are made of.
    ///
    /// # Panics
    /// When `alphabet` is empty: a mistake in the program.
    #[must_use]
    pub fn text(&self, length: usize, alphabet: &[u8]) -> String {
        assert!(!alphabet.is_empty(), "an alphabet has letters");
        // 64 bits against at most 64 letters: the bias is immeasurable.
        (0..length)
            .map(|_| {
                let index = self.bits() % alphabet.len() as u64;
                char::from(alphabet[usize::try_from(index).unwrap_or(0)])
            })
            .collect()
    }

    /// Fills `bytes` with random bits.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_repeats_and_a_split_does_not_shift_its_parent() {
        let (one, two) = (IdSource::seeded(7), IdSource::seeded(7));
        assert_eq!(one.request_id(), two.request_id());
        let (left, right) = (one.split(), two.split());
        let _draw_more = left.hex(40);
        assert_eq!(one.bits(), two.bits());
        assert_ne!(left.bits(), right.bits());
    }

    #[test]
    fn unit_stays_below_one() {
        let source = IdSource::seeded(1);
        assert!((0..1000).map(|_| source.unit()).all(|u| (0.0..1.0).contains(&u)));
    }
}
