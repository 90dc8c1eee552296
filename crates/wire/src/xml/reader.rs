//! Reads XML into a tree of elements, and values out of the tree.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clock::Timestamp;
use quick_xml::events::{BytesStart, Event};

use crate::decode::{DEPTH_MAX, DecodeError, Reader, Result};
use crate::{Document, ListShape, MapShape, TimestampFormat};

/// An element without its attributes and namespaces; no protocol of ours reads these.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Reads a document and returns its root.
    pub(crate) fn parse(body: &[u8]) -> Result<Self> {
        let malformed = || DecodeError::new("The XML you provided was not well-formed.");
        let body = std::str::from_utf8(body).map_err(|_| malformed())?;
        let mut reader = quick_xml::Reader::from_str(body);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().map_err(|_| malformed())? {
                Event::Start(start) => {
                    if open.len() > DEPTH_MAX {
                        return Err(DecodeError::new("The XML document is nested too deep."));
                    }
                    open.push(Self::named(&start));
                }
                Event::Empty(start) => {
                    let empty = Self::named(&start);
                    open.last_mut().ok_or_else(malformed)?.children.push(empty);
                }
                Event::End(_) => {
                    let done = open.pop().ok_or_else(malformed)?;
                    open.last_mut().ok_or_else(malformed)?.children.push(done);
                }
                Event::Text(text) => {
                    open.last_mut().ok_or_else(malformed)?.text.push_str(&text.xml10_content());
                }
                Event::CData(text) => {
                    open.last_mut().ok_or_else(malformed)?.text.push_str(&text.xml10_content());
                }
                Event::GeneralRef(reference) => {
                    let escaped = format!("&{};", reference.into_inner());
                    let text = quick_xml::escape::unescape(&escaped).map_err(|_| malformed())?;
                    open.last_mut().ok_or_else(malformed)?.text.push_str(&text);
                }
                Event::Eof => break,
                // Document types would bring entities along; nothing of ours sends them.
                Event::DocType(_) => return Err(malformed()),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
        match (open.pop(), open.is_empty()) {
            (Some(mut top), true) if top.children.len() == 1 => top.children.pop().ok_or_else(malformed),
            _ => Err(malformed()),
        }
    }

    fn named(start: &BytesStart<'_>) -> Self {
        Self { name: start.local_name().into_inner().to_owned(), ..Self::default() }
    }
}

/// Reads out of elements that have the same name and the same parent: one, or all items of a flattened list.
#[derive(Debug)]
pub(crate) struct XmlReader<'a> {
    elements: Vec<&'a Element>,
}

impl<'a> XmlReader<'a> {
    pub(crate) fn new(root: &'a Element) -> Self {
        Self { elements: vec![root] }
    }

    fn first(&self) -> Result<&'a Element> {
        self.elements.first().copied().ok_or_else(|| DecodeError::new("An element is missing."))
    }

    fn text(&self) -> Result<&'a str> {
        self.first().map(|element| element.text.as_str())
    }

    fn parsed<T: std::str::FromStr>(&self, wanted: &str) -> Result<T> {
        let text = self.text()?.trim();
        text.parse().map_err(|_| DecodeError::new(format!("{text:?} is not a valid {wanted}.")))
    }

    fn inside<T>(
        &mut self,
        elements: Vec<&'a Element>,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outer = std::mem::replace(&mut self.elements, elements);
        let result = read(self);
        self.elements = outer;
        result
    }
}

impl Reader for XmlReader<'_> {
    fn null(&mut self) -> Result<bool> {
        Ok(false)
    }

    fn string(&mut self) -> Result<Cow<'_, str>> {
        self.text().map(Cow::Borrowed)
    }

    fn boolean(&mut self) -> Result<bool> {
        self.parsed("boolean")
    }

    fn integer(&mut self) -> Result<i64> {
        self.parsed("integer")
    }

    fn double(&mut self) -> Result<f64> {
        self.parsed("number")
    }

    fn blob(&mut self) -> Result<Bytes> {
        STANDARD
            .decode(self.text()?.trim())
            .map(Bytes::from)
            .map_err(|_| DecodeError::new("A blob is not valid base64."))
    }

    fn timestamp(&mut self, format: Option<TimestampFormat>) -> Result<Timestamp> {
        let text = self.text()?.trim();
        let parsed = match format {
            Some(TimestampFormat::EpochSeconds) => text.parse().ok().map(Timestamp::from_secs_f64),
            Some(TimestampFormat::HttpDate) => Timestamp::parse_http_date(text).ok(),
            _ => Timestamp::parse_iso8601(text).ok(),
        };
        parsed.ok_or_else(|| DecodeError::new(format!("{text:?} is not a valid timestamp.")))
    }

    fn document(&mut self) -> Result<Document> {
        Err(DecodeError::new("XML has no documents."))
    }

    fn structure(&mut self, each: &mut dyn FnMut(&mut Self, &str) -> Result<bool>) -> Result<()> {
        let mut groups: Vec<(&str, Vec<&Element>)> = Vec::new();
        for child in &self.first()?.children {
            match groups.iter_mut().find(|(name, _)| *name == child.name) {
                Some((_, group)) => group.push(child),
                None => groups.push((&child.name, vec![child])),
            }
        }
        for (name, group) in groups {
            self.inside(group, |reader| each(reader, name))?;
        }
        Ok(())
    }

    fn list(&mut self, shape: &ListShape, each: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        let items: Vec<&Element> = if shape.flattened {
            self.elements.clone()
        } else {
            self.first()?.children.iter().filter(|child| child.name == shape.member_name).collect()
        };
        for item in items {
            self.inside(vec![item], &mut *each)?;
        }
        Ok(())
    }

    fn map(&mut self, shape: &MapShape, each: &mut dyn FnMut(&mut Self, String) -> Result<()>) -> Result<()> {
        let entries: Vec<&Element> = if shape.flattened {
            self.elements.clone()
        } else {
            self.first()?.children.iter().filter(|child| child.name == "entry").collect()
        };
        for entry in entries {
            let part = |name: &str| entry.children.iter().find(|child| child.name == name);
            let (Some(key), Some(value)) = (part(shape.key_name), part(shape.value_name)) else {
                return Err(DecodeError::new("An entry lacks its key or its value."));
            };
            self.inside(vec![value], |reader| each(reader, key.text.clone()))?;
        }
        Ok(())
    }
}
