//! Writes JSON without building a tree.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clock::Timestamp;

use crate::encode::Writer;
use crate::{Document, ListShape, MapShape, Member, TimestampFormat};

#[derive(Debug)]
pub(crate) struct JsonWriter {
    out: Vec<u8>,
    /// Whether the next member, key or element is the first of its kind.
    first: bool,
}

impl JsonWriter {
    pub(crate) fn new() -> Self {
        Self { out: Vec::with_capacity(512), first: true }
    }

    pub(crate) fn finish(self) -> Bytes {
        self.out.into()
    }

    fn comma(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }

    fn name(&mut self, name: &str) {
        self.comma();
        self.string(name);
        self.out.push(b':');
    }

    fn open(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.first = true;
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.first = false;
    }
}

impl Writer for JsonWriter {
    fn string(&mut self, value: &str) {
        // Writing text to memory does not fail.
        let _infallible = serde_json::to_writer(&mut self.out, value);
    }

    fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn integer(&mut self, value: i64) {
        self.out.extend_from_slice(value.to_string().as_bytes());
    }

    fn double(&mut self, value: f64) {
        if value.is_finite() {
            self.out.extend_from_slice(value.to_string().as_bytes());
        } else {
            // The protocols write what JSON has no number for as text.
            let text = if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            self.string(text);
        }
    }

    fn blob(&mut self, value: &Bytes) {
        self.out.push(b'"');
        self.out.extend_from_slice(STANDARD.encode(value).as_bytes());
        self.out.push(b'"');
    }

    fn timestamp(&mut self, value: Timestamp, format: Option<TimestampFormat>) {
        match format.unwrap_or(TimestampFormat::EpochSeconds) {
            TimestampFormat::EpochSeconds => {
                let (whole, millis) =
                    (value.as_millis().div_euclid(1000), value.as_millis().rem_euclid(1000));
                let text = if millis == 0 { whole.to_string() } else { format!("{whole}.{millis:03}") };
                self.out.extend_from_slice(text.as_bytes());
            }
            TimestampFormat::DateTime => self.string(&value.iso8601_millis()),
            TimestampFormat::HttpDate => self.string(&value.http_date()),
        }
    }

    fn document(&mut self, value: &Document) {
        // Writing to memory does not fail, and a document's keys are text.
        let _infallible = serde_json::to_writer(&mut self.out, value);
    }

    fn begin_struct(&mut self) {
        self.open(b'{');
    }

    fn member(&mut self, member: &Member) {
        self.name(member.wire);
    }

    fn end_struct(&mut self) {
        self.close(b'}');
    }

    fn begin_list(&mut self, _: &ListShape) {
        self.open(b'[');
    }

    fn item(&mut self) {
        self.comma();
    }

    fn end_list(&mut self) {
        self.close(b']');
    }

    fn begin_map(&mut self, _: &MapShape) {
        self.open(b'{');
    }

    fn key(&mut self, key: &str) {
        self.name(key);
    }

    fn end_value(&mut self) {}

    fn end_map(&mut self) {
        self.close(b'}');
    }
}
