//! Numbers as patterns compare them.

use serde_json::{Number, Value};

/// "Numeric matching is limited to value between -5.0e9 and +5.0e9 inclusive, with 15 digits of precision, that is to
/// say 6 digits to the right of the decimal point" (event-ruler, README). SNS documents 10^9 and five digits, but
/// takes what its matcher takes.
const LARGEST: f64 = 5e9;
const STEPS_PER_UNIT: f64 = 1e6;

/// A number within the range, in millionths.
pub(crate) fn comparable(number: &Number) -> Option<i64> {
    let value = number.as_f64().filter(|value| value.abs() <= LARGEST)?;
    #[expect(clippy::cast_possible_truncation, reason = "at most 5e15, which fits")]
    Some((value * STEPS_PER_UNIT).round() as i64)
}

/// Reads the text of a `Number` attribute. SQS and SNS take forms that JSON does not have, such as `+1` and `.5`.
pub(crate) fn read(text: &str) -> Option<Number> {
    let text = text.trim();
    serde_json::from_str(text).ok().or_else(|| text.parse().ok().and_then(Number::from_f64))
}

/// Whether two numbers are the same: by value within the range that can be compared, else as written.
pub(crate) fn equal(one: &Number, other: &Number) -> bool {
    match (comparable(one), comparable(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one == other,
        _ => false,
    }
}

/// What `numeric` asks for, in millionths; both ends may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) bottom: Bound,
    pub(crate) top: Bound,
}

/// One end of a [`Range`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Open,
    Including(i64),
    Excluding(i64),
}

impl Range {
    pub(crate) fn contains(&self, value: &Value) -> bool {
        let Value::Number(number) = value else { return false };
        let Some(number) = comparable(number) else { return false };
        let above = match self.bottom {
            Bound::Open => true,
            Bound::Including(bottom) => number >= bottom,
            Bound::Excluding(bottom) => number > bottom,
        };
        above
            && match self.top {
                Bound::Open => true,
                Bound::Including(top) => number <= top,
                Bound::Excluding(top) => number < top,
            }
    }
}
