//! Pulls values out of JSON text without building a tree.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clock::Timestamp;

use crate::decode::{DEPTH_MAX, DecodeError, Reader, Result};
use crate::{Document, ListShape, MapShape, TimestampFormat};

#[derive(Debug)]
pub(crate) struct JsonReader<'a> {
    input: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> JsonReader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0, depth: 0 }
    }

    /// Nothing but space may follow the value.
    pub(crate) fn finish(mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected()),
        }
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.input.get(self.at) {
            if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                self.at += 1;
            } else {
                return Some(*byte);
            }
        }
        None
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected(&self) -> DecodeError {
        match self.input.get(self.at) {
            Some(_) => {
                DecodeError::new(format!("Unexpected character at offset {} of the JSON text.", self.at))
            }
            None => DecodeError::new("Unexpected end of the JSON text."),
        }
    }

    /// What stands here, in the words of an error message.
    fn found(&mut self) -> Result<&'static str> {
        Ok(match self.peek() {
            Some(b'"') => "STRING_VALUE",
            Some(b't') => "TRUE_VALUE",
            Some(b'f') => "FALSE_VALUE",
            Some(b'-' | b'0'..=b'9') => "NUMBER_VALUE",
            Some(b'{') => {
                return Err(DecodeError::new("Start of structure or map found where not expected."));
            }
            Some(b'[') => return Err(DecodeError::new("Start of list found where not expected.")),
            _ => return Err(self.unexpected()),
        })
    }

    fn mismatch(&mut self, wanted: &str) -> DecodeError {
        match self.found() {
            Ok(found) => DecodeError::mismatch(found, wanted),
            Err(error) => error,
        }
    }

    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(DecodeError::new("The JSON text is nested too deep."));
        }
        Ok(())
    }

    /// The text between two quotes; borrowed when nothing is escaped.
    fn text(&mut self) -> Result<Cow<'a, str>> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            let rest = self.input.get(self.at..).unwrap_or_default();
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                return Err(DecodeError::new("Unexpected end of the JSON text."));
            };
            self.at += found + 1;
            if rest[found] == b'"' {
                break;
            }
            // What is escaped is at least one byte long, and never ends the text.
            self.at += 1;
        }
        let raw = &self.input[start..self.at - 1];
        if raw.iter().any(|byte| *byte == b'\\' || *byte < 0x20) {
            // Escapes and control characters: left to serde_json, quotes included.
            let quoted = &self.input[start - 1..self.at];
            return serde_json::from_slice(quoted)
                .map(Cow::Owned)
                .map_err(|_| DecodeError::new(format!("Invalid text at offset {start} of the JSON text.")));
        }
        std::str::from_utf8(raw)
            .map(Cow::Borrowed)
            .map_err(|_| DecodeError::new("The JSON text is not valid UTF-8."))
    }

    fn number(&mut self) -> Result<&'a str> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.mismatch("Number"));
        }
        let rest = &self.input[self.at..];
        let length = rest
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .unwrap_or(rest.len());
        self.at += length;
        std::str::from_utf8(&rest[..length]).map_err(|_| self.unexpected())
    }

    fn word(&mut self, word: &str) -> bool {
        let _next = self.peek();
        let here = self.input[self.at..].starts_with(word.as_bytes());
        if here {
            self.at += word.len();
        }
        here
    }

    fn skip(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'"') => self.text().map(|_| ()),
            Some(b'{') => self.each_key(&mut |reader, _| reader.skip()),
            Some(b'[') => self.each_item(&mut Self::skip),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            _ if self.word("true") || self.word("false") || self.word("null") => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    fn each_key(&mut self, each: &mut dyn FnMut(&mut Self, Cow<'a, str>) -> Result<()>) -> Result<()> {
        self.expect(b'{')?;
        self.enter()?;
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                let key = self.text()?;
                self.expect(b':')?;
                each(self, key)?;
                match self.peek() {
                    Some(b',') => self.at += 1,
                    _ => break self.expect(b'}')?,
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn each_item(&mut self, each: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(b'[')?;
        self.enter()?;
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                each(self)?;
                match self.peek() {
                    Some(b',') => self.at += 1,
                    _ => break self.expect(b']')?,
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }
}

impl Reader for JsonReader<'_> {
    fn null(&mut self) -> Result<bool> {
        Ok(self.word("null"))
    }

    fn string(&mut self) -> Result<Cow<'_, str>> {
        if self.peek() == Some(b'"') { self.text() } else { Err(self.mismatch("String")) }
    }

    fn boolean(&mut self) -> Result<bool> {
        if self.word("true") {
            Ok(true)
        } else if self.word("false") {
            Ok(false)
        } else {
            Err(self.mismatch("Boolean"))
        }
    }

    fn integer(&mut self) -> Result<i64> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.mismatch("Integer"));
        }
        let text = self.number()?;
        if let Ok(value) = text.parse() {
            return Ok(value);
        }
        // `3.0` and `3e2` are whole numbers too.
        let value: f64 = text.parse().map_err(|_| DecodeError::mismatch("NUMBER_VALUE", "Integer"))?;
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 53 bits")]
        if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
            Ok(value as i64)
        } else {
            Err(DecodeError::mismatch("NUMBER_VALUE", "Integer"))
        }
    }

    fn double(&mut self) -> Result<f64> {
        if self.peek() == Some(b'"') {
            return match &*self.text()? {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                _ => Err(DecodeError::mismatch("STRING_VALUE", "Double")),
            };
        }
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.mismatch("Double"));
        }
        self.number()?.parse().map_err(|_| DecodeError::mismatch("NUMBER_VALUE", "Double"))
    }

    fn blob(&mut self) -> Result<Bytes> {
        if self.peek() != Some(b'"') {
            return Err(self.mismatch("Blob"));
        }
        let text = self.text()?;
        STANDARD
            .decode(text.as_bytes())
            .map(Bytes::from)
            .map_err(|_| DecodeError::new("A blob is not valid base64."))
    }

    fn timestamp(&mut self, format: Option<TimestampFormat>) -> Result<Timestamp> {
        if self.peek() != Some(b'"') {
            return self.double().map(Timestamp::from_secs_f64);
        }
        let text = self.text()?;
        let parsed = match format {
            Some(TimestampFormat::HttpDate) => Timestamp::parse_http_date(&text),
            _ => Timestamp::parse_iso8601(&text),
        };
        parsed.map_err(|_| DecodeError::mismatch("STRING_VALUE", "Timestamp"))
    }

    fn document(&mut self) -> Result<Document> {
        let _next = self.peek();
        let start = self.at;
        self.skip()?;
        serde_json::from_slice(&self.input[start..self.at])
            .map_err(|_| DecodeError::new(format!("Invalid JSON at offset {start}.")))
    }

    fn structure(&mut self, each: &mut dyn FnMut(&mut Self, &str) -> Result<bool>) -> Result<()> {
        if self.peek() != Some(b'{') {
            return Err(match self.peek() {
                Some(b'[') => DecodeError::new("Start of list found where not expected."),
                _ => DecodeError::new("Unexpected field type."),
            });
        }
        self.each_key(&mut |reader, key| {
            if each(reader, &key)? { Ok(()) } else { reader.skip() }
        })
    }

    fn list(&mut self, _: &ListShape, each: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if self.peek() != Some(b'[') {
            return Err(match self.peek() {
                Some(b'{') => DecodeError::new("Start of structure or map found where not expected."),
                _ => DecodeError::new("Unexpected field type."),
            });
        }
        self.each_item(each)
    }

    fn map(&mut self, _: &MapShape, each: &mut dyn FnMut(&mut Self, String) -> Result<()>) -> Result<()> {
        if self.peek() != Some(b'{') {
            return Err(match self.peek() {
                Some(b'[') => DecodeError::new("Start of list found where not expected."),
                _ => DecodeError::new("Unexpected field type."),
            });
        }
        self.each_key(&mut |reader, key| each(reader, key.into_owned()))
    }
}
