//! Amounts without rounding errors.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Serialize, Serializer};

/// A trillionth of a dollar.
const PICODOLLARS: u128 = 1_000_000_000_000;

/// US dollars, in trillionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Money(u128);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    pub(crate) const fn from_picodollars(picodollars: u128) -> Self {
        Self(picodollars)
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// `$0.0000021`: as many digits as it takes, at least two.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:012}", self.0 % PICODOLLARS);
        let kept = digits.trim_end_matches('0').len().max(2);
        write!(f, "${}.{}", self.0 / PICODOLLARS, &digits[..kept])
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Text, because a JSON number would be read as a double. The currency is the documentation's to say.
        serializer.serialize_str(self.to_string().trim_start_matches('$'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_show_the_digits_they_have() {
        assert_eq!(Money(0).to_string(), "$0.00");
        assert_eq!(Money(200_000).to_string(), "$0.0000002");
        assert_eq!(Money(1_230_000_000_000).to_string(), "$1.23");
    }
}
