//! Keys are tuples, encoded so that comparing the bytes compares the tuples.
//!
//! Every part is self-describing (one tag byte) and prefix-free: no encoded part begins with another one, so
//! the keys under a tuple are exactly the keys that begin with its bytes.

use bytes::Bytes;
use clock::Timestamp;

use crate::{Limits, StoreError};

const BYTES: u8 = 0x10;
const STR: u8 = 0x11;
const U64: u8 = 0x12;
const I64: u8 = 0x13;

/// Ends a string or bytes part. Neither this nor the escape is found inside one unescaped.
const END: u8 = 0x00;
/// Stands before the two bytes that an `END` and an `ESCAPE` within a part become.
const ESCAPE: u8 = 0x01;
const ESCAPED_END: u8 = 0x01;
const ESCAPED_ESCAPE: u8 = 0x02;

/// One part of a key. Parts of different kinds order as the variants stand here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyPart<'a> {
    /// Any bytes.
    Bytes(&'a [u8]),
    /// Text, ordered by its UTF-8 bytes.
    Str(&'a str),
    /// A number.
    U64(u64),
    /// A signed number, or a moment in microseconds since the Unix epoch.
    I64(i64),
}

impl<'a> From<&'a [u8]> for KeyPart<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for KeyPart<'a> {
    fn from(text: &'a str) -> Self {
        Self::Str(text)
    }
}

impl<'a> From<&'a String> for KeyPart<'a> {
    fn from(text: &'a String) -> Self {
        Self::Str(text)
    }
}

impl From<u64> for KeyPart<'_> {
    fn from(number: u64) -> Self {
        Self::U64(number)
    }
}

impl From<i64> for KeyPart<'_> {
    fn from(number: i64) -> Self {
        Self::I64(number)
    }
}

impl From<Timestamp> for KeyPart<'_> {
    fn from(moment: Timestamp) -> Self {
        Self::I64(moment.as_micros())
    }
}

/// Encodes a tuple.
#[must_use]
pub fn key(parts: &[KeyPart<'_>]) -> Bytes {
    let mut encoded = Vec::with_capacity(parts.len() * 16);
    for part in parts {
        match part {
            KeyPart::Bytes(bytes) => push_escaped(&mut encoded, BYTES, bytes),
            KeyPart::Str(text) => push_escaped(&mut encoded, STR, text.as_bytes()),
            KeyPart::U64(number) => push_fixed(&mut encoded, U64, *number),
            // Flipping the sign bit puts the negative numbers below the others.
            KeyPart::I64(number) => push_fixed(&mut encoded, I64, number.cast_unsigned() ^ (1 << 63)),
        }
    }
    encoded.into()
}

fn push_fixed(encoded: &mut Vec<u8>, tag: u8, number: u64) {
    encoded.push(tag);
    encoded.extend_from_slice(&number.to_be_bytes());
}

fn push_escaped(encoded: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    encoded.push(tag);
    for &byte in bytes {
        match byte {
            END => encoded.extend_from_slice(&[ESCAPE, ESCAPED_END]),
            ESCAPE => encoded.extend_from_slice(&[ESCAPE, ESCAPED_ESCAPE]),
            _ => encoded.push(byte),
        }
    }
    encoded.push(END);
}

/// The least key that is greater than every key that begins with `prefix`: the end of a range over them.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Bytes {
    match prefix.iter().rposition(|&byte| byte != 0xff) {
        Some(last) => {
            let mut end = prefix[..=last].to_vec();
            end[last] += 1;
            end.into()
        }
        // Nothing of that form exists; this is greater than every key of a legal length.
        None => vec![0xff; Limits::PORTABLE.key_bytes + 1].into(),
    }
}

/// Takes a key apart again, in the order in which it was put together.
#[derive(Debug, Clone)]
pub struct KeyReader<'a> {
    rest: &'a [u8],
}

impl<'a> KeyReader<'a> {
    /// Reads `key` from its start.
    #[must_use]
    pub const fn new(key: &'a [u8]) -> Self {
        Self { rest: key }
    }

    /// The next part, which must be text.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it is not.
    pub fn str(&mut self) -> Result<String, StoreError> {
        String::from_utf8(self.escaped(STR)?).map_err(|_| damaged("text that is not UTF-8"))
    }

    /// The next part, which must be bytes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it is not.
    pub fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.escaped(BYTES)
    }

    /// The next part, which must be an unsigned number.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it is not.
    pub fn u64(&mut self) -> Result<u64, StoreError> {
        self.fixed(U64)
    }

    /// The next part, which must be a signed number.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it is not.
    pub fn i64(&mut self) -> Result<i64, StoreError> {
        Ok((self.fixed(I64)? ^ (1 << 63)).cast_signed())
    }

    /// The next part, which must be a moment.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it is not.
    pub fn timestamp(&mut self) -> Result<Timestamp, StoreError> {
        self.i64().map(Timestamp::from_micros)
    }

    /// Whether all parts were read.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn tag(&mut self, expected: u8) -> Result<(), StoreError> {
        match self.rest.split_first() {
            Some((&tag, rest)) if tag == expected => {
                self.rest = rest;
                Ok(())
            }
            Some(_) => Err(damaged("a part of another kind")),
            None => Err(damaged("a missing part")),
        }
    }

    fn fixed(&mut self, tag: u8) -> Result<u64, StoreError> {
        self.tag(tag)?;
        let (number, rest) = self.rest.split_first_chunk().ok_or_else(|| damaged("a number cut short"))?;
        self.rest = rest;
        Ok(u64::from_be_bytes(*number))
    }

    fn escaped(&mut self, tag: u8) -> Result<Vec<u8>, StoreError> {
        self.tag(tag)?;
        let mut bytes = Vec::new();
        let mut encoded = self.rest.iter();
        loop {
            match encoded.next() {
                Some(&END) => break,
                Some(&ESCAPE) => match encoded.next() {
                    Some(&ESCAPED_END) => bytes.push(END),
                    Some(&ESCAPED_ESCAPE) => bytes.push(ESCAPE),
                    _ => return Err(damaged("an unknown escape")),
                },
                Some(&byte) => bytes.push(byte),
                None => return Err(damaged("a part cut short")),
            }
        }
        self.rest = encoded.as_slice();
        Ok(bytes)
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("a key has {what}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
    enum Part {
        Bytes(Vec<u8>),
        Str(String),
        U64(u64),
        I64(i64),
    }

    impl Part {
        fn borrow(&self) -> KeyPart<'_> {
            match self {
                Self::Bytes(bytes) => KeyPart::Bytes(bytes),
                Self::Str(text) => KeyPart::Str(text),
                Self::U64(number) => KeyPart::U64(*number),
                Self::I64(number) => KeyPart::I64(*number),
            }
        }
    }

    /// Few letters, and the ones that need escaping among them, so that tuples share prefixes.
    fn byte() -> impl Strategy<Value = u8> {
        prop_oneof![Just(0), Just(1), Just(2), Just(b'a'), Just(0xff), any::<u8>()]
    }

    fn part() -> impl Strategy<Value = Part> {
        prop_oneof![
            prop::collection::vec(byte(), 0..5).prop_map(Part::Bytes),
            prop::collection::vec(prop_oneof![Just('\0'), Just('\u{1}'), Just('a'), any::<char>()], 0..5)
                .prop_map(|letters| Part::Str(letters.into_iter().collect())),
            prop_oneof![0..3_u64, any::<u64>()].prop_map(Part::U64),
            prop_oneof![-2..3_i64, any::<i64>()].prop_map(Part::I64),
        ]
    }

    fn tuple() -> impl Strategy<Value = Vec<Part>> {
        prop::collection::vec(part(), 0..4)
    }

    fn encode(tuple: &[Part]) -> Bytes {
        key(&tuple.iter().map(Part::borrow).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn keys_order_as_their_tuples(left in tuple(), right in tuple()) {
            prop_assert_eq!(encode(&left).cmp(&encode(&right)), left.cmp(&right));
        }

        #[test]
        fn keys_are_read_back(tuple in tuple()) {
            let key = encode(&tuple);
            let mut reader = KeyReader::new(&key);
            for part in tuple {
                let read = match part {
                    Part::Bytes(_) => Part::Bytes(reader.bytes().unwrap()),
                    Part::Str(_) => Part::Str(reader.str().unwrap()),
                    Part::U64(_) => Part::U64(reader.u64().unwrap()),
                    Part::I64(_) => Part::I64(reader.i64().unwrap()),
                };
                prop_assert_eq!(read, part);
            }
            prop_assert!(reader.is_at_end());
        }

        #[test]
        fn a_prefix_covers_exactly_the_tuples_under_it(prefix in tuple(), other in tuple()) {
            prop_assume!(!prefix.is_empty());
            let (from, other_key) = (encode(&prefix), encode(&other));
            let covered = from <= other_key && other_key < prefix_end(&from);
            prop_assert_eq!(covered, other.starts_with(&prefix));
        }

        #[test]
        fn damaged_keys_are_refused_not_panicked_on(key in prop::collection::vec(byte(), 0..12)) {
            for read in [KeyReader::new(&key).bytes().is_ok(), KeyReader::new(&key).str().is_ok()] {
                prop_assert!(!read || key.contains(&END));
            }
            let _number = (KeyReader::new(&key).u64(), KeyReader::new(&key).i64());
        }
    }

    #[test]
    fn the_end_of_everything_is_past_every_key() {
        assert!(prefix_end(&[])[..] > [0xff; Limits::PORTABLE.key_bytes][..]);
        assert_eq!(prefix_end(&[7, 0xff]), Bytes::from_static(&[8]));
    }

    #[test]
    fn a_part_of_another_kind_is_refused() {
        let key = key(&["a".into()]);
        assert!(matches!(KeyReader::new(&key).u64(), Err(StoreError::Damaged(_))));
        assert!(matches!(KeyReader::new(&key[..2]).str(), Err(StoreError::Damaged(_))));
    }
}
