//! Writes CBOR: structures and maps of known content in indefinite length, so that nothing is counted ahead.

use bytes::Bytes;
use clock::Timestamp;

use super::Epoch;
use crate::encode::Writer;
use crate::{Document, ListShape, MapShape, Member, TimestampFormat};

const UNSIGNED: u8 = 0 << 5;
const NEGATIVE: u8 = 1 << 5;
const BYTES: u8 = 2 << 5;
const TEXT: u8 = 3 << 5;
const TAG: u8 = 6 << 5;
const LIST_INDEFINITE: u8 = 0x9f;
const MAP_INDEFINITE: u8 = 0xbf;
const BREAK: u8 = 0xff;

#[derive(Debug)]
pub(crate) struct CborWriter {
    out: Vec<u8>,
    epoch: Epoch,
}

impl CborWriter {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self { out: Vec::with_capacity(512), epoch }
    }

    pub(crate) fn finish(self) -> Bytes {
        self.out.into()
    }

    /// A major type with its argument in the shortest form.
    fn head(&mut self, major: u8, argument: u64) {
        let bytes = argument.to_be_bytes();
        match argument {
            0..=23 => self.out.push(major | bytes[7]),
            24..=0xff => self.out.extend_from_slice(&[major | 24, bytes[7]]),
            0x100..=0xffff => {
                self.out.push(major | 25);
                self.out.extend_from_slice(&bytes[6..]);
            }
            0x1_0000..=0xffff_ffff => {
                self.out.push(major | 26);
                self.out.extend_from_slice(&bytes[4..]);
            }
            _ => {
                self.out.push(major | 27);
                self.out.extend_from_slice(&bytes);
            }
        }
    }
}

impl Writer for CborWriter {
    fn string(&mut self, value: &str) {
        self.head(TEXT, value.len() as u64);
        self.out.extend_from_slice(value.as_bytes());
    }

    fn boolean(&mut self, value: bool) {
        self.out.push(if value { 0xf5 } else { 0xf4 });
    }

    fn integer(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(UNSIGNED, value),
            // A negative n is written as -1 - n, which is n with all bits flipped.
            Err(_) => self.head(NEGATIVE, (!value).cast_unsigned()),
        }
    }

    fn double(&mut self, value: f64) {
        self.out.push(0xfb);
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    fn blob(&mut self, value: &Bytes) {
        self.head(BYTES, value.len() as u64);
        self.out.extend_from_slice(value);
    }

    fn timestamp(&mut self, value: Timestamp, _: Option<TimestampFormat>) {
        self.head(TAG, 1);
        match self.epoch {
            Epoch::Millis => self.integer(value.as_millis()),
            Epoch::Seconds if value.as_micros() % 1_000_000 == 0 => self.integer(value.as_secs()),
            Epoch::Seconds => self.double(value.as_secs_f64()),
        }
    }

    fn document(&mut self, value: &Document) {
        match value {
            Document::Null => self.out.push(0xf6),
            Document::Bool(value) => self.boolean(*value),
            Document::Number(number) => match number.as_i64() {
                Some(value) => self.integer(value),
                None => self.double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Document::String(text) => self.string(text),
            Document::Array(items) => {
                self.out.push(LIST_INDEFINITE);
                for item in items {
                    self.document(item);
                }
                self.out.push(BREAK);
            }
            Document::Object(entries) => {
                self.out.push(MAP_INDEFINITE);
                for (key, value) in entries {
                    self.string(key);
                    self.document(value);
                }
                self.out.push(BREAK);
            }
        }
    }

    fn begin_struct(&mut self) {
        self.out.push(MAP_INDEFINITE);
    }

    fn member(&mut self, member: &Member) {
        self.string(member.wire);
    }

    fn end_struct(&mut self) {
        self.out.push(BREAK);
    }

    fn begin_list(&mut self, _: &ListShape) {
        self.out.push(LIST_INDEFINITE);
    }

    fn item(&mut self) {}

    fn end_list(&mut self) {
        self.out.push(BREAK);
    }

    fn begin_map(&mut self, _: &MapShape) {
        self.out.push(MAP_INDEFINITE);
    }

    fn key(&mut self, key: &str) {
        self.string(key);
    }

    fn end_value(&mut self) {}

    fn end_map(&mut self) {
        self.out.push(BREAK);
    }
}
