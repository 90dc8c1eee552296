//! Pulls values out of CBOR, in definite and indefinite lengths.

use std::borrow::Cow;

use bytes::Bytes;
use clock::Timestamp;

use super::Epoch;
use crate::decode::{DEPTH_MAX, DecodeError, Reader, Result};
use crate::{Document, ListShape, MapShape, TimestampFormat};

#[derive(Debug)]
pub(crate) struct CborReader<'a> {
    input: &'a [u8],
    at: usize,
    depth: usize,
    epoch: Epoch,
}

/// The head of an item: its major type and argument; no argument means an indefinite length.
#[derive(Debug, Clone, Copy)]
struct Head {
    major: u8,
    /// The low five bits, which tell simple values and floats apart.
    info: u8,
    argument: Option<u64>,
}

const BREAK: u8 = 0xff;

impl<'a> CborReader<'a> {
    pub(crate) fn new(input: &'a [u8], epoch: Epoch) -> Self {
        Self { input, at: 0, depth: 0, epoch }
    }

    pub(crate) fn finish(self) -> Result<()> {
        if self.at == self.input.len() {
            Ok(())
        } else {
            Err(DecodeError::new("Bytes follow the CBOR document."))
        }
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8]> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let end = self.at.checked_add(count).filter(|end| *end <= self.input.len());
        let Some(end) = end else {
            return Err(DecodeError::new("Unexpected end of the CBOR document."));
        };
        let taken = &self.input[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn peek(&self) -> Result<u8> {
        self.input
            .get(self.at)
            .copied()
            .ok_or_else(|| DecodeError::new("Unexpected end of the CBOR document."))
    }

    fn head(&mut self) -> Result<Head> {
        let initial = self.take(1)?[0];
        let (major, info) = (initial >> 5, initial & 0x1f);
        let argument = match info {
            0..=23 => Some(u64::from(info)),
            24..=27 => {
                let bytes = self.take(1 << (info - 24))?;
                Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
            }
            31 if matches!(major, 2..=5) => None,
            _ => return Err(DecodeError::new("The CBOR document is not well-formed.")),
        };
        Ok(Head { major, info, argument })
    }

    fn mismatch(head: Head, wanted: &str) -> DecodeError {
        let found = match head.major {
            0 | 1 => "NUMBER_VALUE",
            2 => "BLOB_VALUE",
            3 => "STRING_VALUE",
            4 => return DecodeError::new("Start of list found where not expected."),
            5 => return DecodeError::new("Start of structure or map found where not expected."),
            7 if head.info == 20 => "FALSE_VALUE",
            7 if head.info == 21 => "TRUE_VALUE",
            7 if matches!(head.info, 25..=27) => "NUMBER_VALUE",
            _ => return DecodeError::new("Unexpected field type."),
        };
        DecodeError::mismatch(found, wanted)
    }

    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(DecodeError::new("The CBOR document is nested too deep."));
        }
        Ok(())
    }

    /// Calls `each` as many times as the head says, or until the break.
    fn repeat(&mut self, count: Option<u64>, each: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.enter()?;
        match count {
            Some(count) => {
                for _ in 0..count {
                    each(self)?;
                }
            }
            None => {
                while self.peek()? != BREAK {
                    each(self)?;
                }
                self.at += 1;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Bytes or text, whose chunks are put together when the length is indefinite.
    fn chunks(&mut self, head: Head) -> Result<Cow<'a, [u8]>> {
        if let Some(length) = head.argument {
            return self.take(length).map(Cow::Borrowed);
        }
        let mut whole = Vec::new();
        while self.peek()? != BREAK {
            let chunk = self.head()?;
            match chunk.argument {
                Some(length) if chunk.major == head.major => whole.extend_from_slice(self.take(length)?),
                _ => return Err(DecodeError::new("The CBOR document is not well-formed.")),
            }
        }
        self.at += 1;
        Ok(Cow::Owned(whole))
    }

    fn text(&mut self, head: Head) -> Result<Cow<'a, str>> {
        let invalid = || DecodeError::new("The CBOR document has text that is not valid UTF-8.");
        match self.chunks(head)? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| invalid()),
            Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| invalid()),
        }
    }

    fn number(&mut self, head: Head, wanted: &str) -> Result<f64> {
        let argument = head.argument.unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a double is what was asked for")]
        #[expect(clippy::cast_possible_truncation, reason = "the head says how many bits there are")]
        match (head.major, head.info) {
            (0, _) => Ok(argument as f64),
            (1, _) => Ok(-1.0 - argument as f64),
            (7, 25) => Ok(half(argument as u16)),
            (7, 26) => Ok(f64::from(f32::from_bits(argument as u32))),
            (7, 27) => Ok(f64::from_bits(argument)),
            _ => Err(Self::mismatch(head, wanted)),
        }
    }

    /// Passes over an item. Nothing of it is kept: what nobody wants to read must not take room.
    fn skip(&mut self) -> Result<()> {
        let head = self.head()?;
        match head.major {
            2 | 3 => self.chunks(head).map(|_| ()),
            4 => self.repeat(head.argument, &mut Self::skip),
            5 => self.repeat(head.argument, &mut |reader| {
                reader.skip()?;
                reader.skip()
            }),
            6 => {
                self.enter()?;
                self.skip()?;
                self.depth -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn each_key(&mut self, each: &mut dyn FnMut(&mut Self, Cow<'a, str>) -> Result<()>) -> Result<()> {
        let head = self.head()?;
        if head.major != 5 {
            return Err(match head.major {
                4 => DecodeError::new("Start of list found where not expected."),
                _ => DecodeError::new("Unexpected field type."),
            });
        }
        self.repeat(head.argument, &mut |reader| {
            let head = reader.head()?;
            if head.major != 3 {
                return Err(Self::mismatch(head, "String"));
            }
            let key = reader.text(head)?;
            each(reader, key)
        })
    }
}

/// Half precision (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 0x1f);
    let mantissa = f64::from(bits & 0x3ff);
    let value = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -value } else { value }
}

impl Reader for CborReader<'_> {
    fn null(&mut self) -> Result<bool> {
        let null = matches!(self.peek()?, 0xf6 | 0xf7);
        if null {
            self.at += 1;
        }
        Ok(null)
    }

    fn string(&mut self) -> Result<Cow<'_, str>> {
        let head = self.head()?;
        if head.major == 3 { self.text(head) } else { Err(Self::mismatch(head, "String")) }
    }

    fn boolean(&mut self) -> Result<bool> {
        let head = self.head()?;
        match (head.major, head.info) {
            (7, 20) => Ok(false),
            (7, 21) => Ok(true),
            _ => Err(Self::mismatch(head, "Boolean")),
        }
    }

    fn integer(&mut self) -> Result<i64> {
        let head = self.head()?;
        let value = head.argument.and_then(|argument| i64::try_from(argument).ok());
        match (head.major, value) {
            (0, Some(value)) => Ok(value),
            (1, Some(value)) => Ok(!value),
            (0 | 1, None) => Err(DecodeError::mismatch("NUMBER_VALUE", "Long")),
            _ => Err(Self::mismatch(head, "Integer")),
        }
    }

    fn double(&mut self) -> Result<f64> {
        let head = self.head()?;
        self.number(head, "Double")
    }

    fn blob(&mut self) -> Result<Bytes> {
        let head = self.head()?;
        if head.major != 2 {
            return Err(Self::mismatch(head, "Blob"));
        }
        self.chunks(head).map(|bytes| Bytes::from(bytes.into_owned()))
    }

    fn timestamp(&mut self, _: Option<TimestampFormat>) -> Result<Timestamp> {
        let mut head = self.head()?;
        if head.major == 6 {
            if head.argument != Some(1) {
                return Err(DecodeError::new("A timestamp must have the CBOR tag 1."));
            }
            head = self.head()?;
        }
        let number = self.number(head, "Timestamp")?;
        Ok(match self.epoch {
            Epoch::Seconds => Timestamp::from_secs_f64(number),
            Epoch::Millis => Timestamp::from_secs_f64(number / 1000.0),
        })
    }

    fn document(&mut self) -> Result<Document> {
        let next = self.peek()?;
        match next >> 5 {
            3 => self.string().map(|text| Document::String(text.into_owned())),
            2 => self.blob().map(|bytes| Document::String(format!("{bytes:?}"))),
            4 => {
                let head = self.head()?;
                let mut items = Vec::new();
                self.repeat(head.argument, &mut |reader| {
                    items.push(reader.document()?);
                    Ok(())
                })?;
                Ok(Document::Array(items))
            }
            5 => {
                let mut entries = serde_json::Map::new();
                self.each_key(&mut |reader, key| {
                    entries.insert(key.into_owned(), reader.document()?);
                    Ok(())
                })?;
                Ok(Document::Object(entries))
            }
            6 => {
                let _tag = self.head()?;
                self.enter()?;
                let inner = self.document();
                self.depth -= 1;
                inner
            }
            _ => match next {
                0xf6 | 0xf7 => self.null().map(|_| Document::Null),
                0xf4 | 0xf5 => self.boolean().map(Document::Bool),
                0x00..=0x3b => self.integer().map(Document::from),
                _ => self.double().map(Document::from),
            },
        }
    }

    fn structure(&mut self, each: &mut dyn FnMut(&mut Self, &str) -> Result<bool>) -> Result<()> {
        self.each_key(&mut |reader, key| if each(reader, &key)? { Ok(()) } else { reader.skip() })
    }

    fn list(&mut self, _: &ListShape, each: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        let head = self.head()?;
        if head.major != 4 {
            return Err(match head.major {
                5 => DecodeError::new("Start of structure or map found where not expected."),
                _ => DecodeError::new("Unexpected field type."),
            });
        }
        self.repeat(head.argument, each)
    }

    fn map(&mut self, _: &MapShape, each: &mut dyn FnMut(&mut Self, String) -> Result<()>) -> Result<()> {
        self.each_key(&mut |reader, key| each(reader, key.into_owned()))
    }
}
