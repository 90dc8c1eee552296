//! Writes XML without building a tree.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clock::Timestamp;
use quick_xml::escape::escape;

use crate::encode::Writer;
use crate::{Document, ListShape, MapShape, Member, TimestampFormat};

#[derive(Debug)]
pub(crate) struct XmlWriter {
    out: String,
    /// The name of the element that the next value becomes.
    next: &'static str,
    open: Vec<Frame>,
    /// What a member is called.
    name: fn(&Member) -> &'static str,
}

/// An element that has been begun, and what its contents are called.
#[derive(Debug)]
struct Frame {
    /// To be closed at the end; nothing for a flattened list or map.
    wrapper: Option<&'static str>,
    /// The name of each element or entry.
    each: &'static str,
    key_name: &'static str,
    value_name: &'static str,
}

impl XmlWriter {
    /// Begins a document whose first value becomes the element `root`.
    pub(crate) fn new(root: &'static str) -> Self {
        let out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        Self { out, next: root, open: Vec::new(), name: |member| member.wire }
    }

    /// Begins a document with the names of awsQuery.
    pub(crate) fn of_query() -> Self {
        Self { name: Member::query_name, ..Self::new("") }
    }

    pub(crate) fn finish(self) -> Bytes {
        self.out.into()
    }

    /// `<name xmlns="...">`, to be closed by hand.
    pub(crate) fn open(&mut self, name: &str, namespace: Option<&str>) {
        self.out.push('<');
        self.out.push_str(name);
        if let Some(namespace) = namespace {
            self.out.push_str(" xmlns=\"");
            self.out.push_str(&escape(namespace));
            self.out.push('"');
        }
        self.out.push('>');
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    pub(crate) fn element(&mut self, name: &str, text: &str) {
        self.open(name, None);
        self.out.push_str(&escape(text));
        self.close(name);
    }

    fn scalar(&mut self, text: &str) {
        self.element(self.next, text);
    }

    fn begin(
        &mut self,
        flattened: bool,
        each: &'static str,
        key_name: &'static str,
        value_name: &'static str,
    ) {
        let wrapper = (!flattened).then_some(self.next);
        if let Some(wrapper) = wrapper {
            self.open(wrapper, None);
        }
        let each = if flattened { self.next } else { each };
        self.open.push(Frame { wrapper, each, key_name, value_name });
    }

    fn end(&mut self) {
        if let Some(Frame { wrapper: Some(wrapper), .. }) = self.open.pop() {
            self.close(wrapper);
        }
    }
}

impl Writer for XmlWriter {
    fn string(&mut self, value: &str) {
        self.scalar(value);
    }

    fn boolean(&mut self, value: bool) {
        self.scalar(if value { "true" } else { "false" });
    }

    fn integer(&mut self, value: i64) {
        self.scalar(&value.to_string());
    }

    fn double(&mut self, value: f64) {
        let text = if value.is_nan() {
            "NaN".to_owned()
        } else if value.is_infinite() {
            if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
        } else {
            value.to_string()
        };
        self.scalar(&text);
    }

    fn blob(&mut self, value: &Bytes) {
        self.scalar(&STANDARD.encode(value));
    }

    fn timestamp(&mut self, value: Timestamp, format: Option<TimestampFormat>) {
        match format {
            Some(TimestampFormat::EpochSeconds) => self.scalar(&value.as_secs().to_string()),
            Some(TimestampFormat::HttpDate) => self.scalar(&value.http_date()),
            _ if value.as_micros() % 1_000_000 == 0 => self.scalar(&value.iso8601_seconds()),
            _ => self.scalar(&value.iso8601_millis()),
        }
    }

    fn document(&mut self, value: &Document) {
        // No XML protocol has documents; should a model ever say so, its text is not lost.
        self.scalar(&value.to_string());
    }

    fn begin_struct(&mut self) {
        self.begin(false, "", "", "");
    }

    fn member(&mut self, member: &Member) {
        self.next = (self.name)(member);
    }

    fn end_struct(&mut self) {
        self.end();
    }

    fn begin_list(&mut self, shape: &ListShape) {
        self.begin(shape.flattened, shape.member_name, "", "");
    }

    fn item(&mut self) {
        if let Some(frame) = self.open.last() {
            self.next = frame.each;
        }
    }

    fn end_list(&mut self) {
        self.end();
    }

    fn begin_map(&mut self, shape: &MapShape) {
        self.begin(shape.flattened, shape.entry_name, shape.key_name, shape.value_name);
    }

    fn key(&mut self, key: &str) {
        let Some(frame) = self.open.last() else { return };
        let (each, key_name, value_name) = (frame.each, frame.key_name, frame.value_name);
        self.open(each, None);
        self.element(key_name, key);
        self.next = value_name;
    }

    fn end_value(&mut self) {
        if let Some(frame) = self.open.last() {
            self.close(frame.each);
        }
    }

    fn end_map(&mut self) {
        self.end();
    }
}
