//! awsQuery's form parameters: `Entries.member.1.Name=x` makes a tree, and the tree is read like a body.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clock::Timestamp;
use percent_encoding::percent_decode_str;

use crate::decode::{DEPTH_MAX, DecodeError, Reader, Result};
use crate::{Document, ListShape, MapShape, Member, TimestampFormat};

/// A parameter and those whose names begin with its name and a dot.
#[derive(Debug, Default)]
pub(crate) struct Node {
    value: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    /// Builds the tree of a form body or a query string.
    pub(crate) fn parse(form: &str) -> Result<Self> {
        let mut root = Self::default();
        for pair in form.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            let mut node = &mut root;
            for (depth, part) in name.split('.').enumerate() {
                if depth > DEPTH_MAX {
                    return Err(DecodeError::new("A parameter's name is nested too deep."));
                }
                node = node.children.entry(part.to_owned()).or_default();
            }
            node.value = Some(value.into_owned());
        }
        Ok(root)
    }

    /// The value of a parameter at the top, such as `Action`.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.children.get(name)?.value.as_deref()
    }

    /// The children whose names are numbers, in the order of these.
    fn numbered(&self) -> Vec<&Self> {
        let mut numbered: Vec<(u32, &Self)> = self
            .children
            .iter()
            .filter_map(|(name, node)| name.parse().ok().map(|number| (number, node)))
            .collect();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, node)| node).collect()
    }
}

/// A plus means a space in forms.
fn decode(text: &str) -> Result<Cow<'_, str>> {
    let invalid = |_| DecodeError::new("A parameter is not valid UTF-8.");
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8().map_err(invalid)?;
        return Ok(Cow::Owned(decoded.into_owned()));
    }
    percent_decode_str(text).decode_utf8().map_err(invalid)
}

/// Reads a tree of parameters.
#[derive(Debug)]
pub(crate) struct QueryReader<'a> {
    node: &'a Node,
}

impl<'a> QueryReader<'a> {
    pub(crate) fn new(node: &'a Node) -> Self {
        Self { node }
    }

    fn value(&self) -> Result<&'a str> {
        self.node.value.as_deref().ok_or_else(|| DecodeError::new("Unexpected complex element."))
    }

    fn parsed<T: std::str::FromStr>(&self, wanted: &str) -> Result<T> {
        let text = self.value()?;
        text.parse().map_err(|_| DecodeError::new(format!("Value ({text}) is not a valid {wanted}.")))
    }

    fn inside<T>(&mut self, node: &'a Node, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = std::mem::replace(&mut self.node, node);
        let result = read(self);
        self.node = outer;
        result
    }
}

impl Reader for QueryReader<'_> {
    fn name(member: &'static Member) -> &'static str {
        member.query_name()
    }

    fn null(&mut self) -> Result<bool> {
        Ok(false)
    }

    fn string(&mut self) -> Result<Cow<'_, str>> {
        self.value().map(Cow::Borrowed)
    }

    fn boolean(&mut self) -> Result<bool> {
        match self.value()? {
            "true" | "True" | "TRUE" | "1" => Ok(true),
            "false" | "False" | "FALSE" | "0" => Ok(false),
            text => Err(DecodeError::new(format!("Value ({text}) is not a valid boolean."))),
        }
    }

    fn integer(&mut self) -> Result<i64> {
        self.parsed("integer")
    }

    fn double(&mut self) -> Result<f64> {
        self.parsed("double")
    }

    fn blob(&mut self) -> Result<Bytes> {
        STANDARD
            .decode(self.value()?)
            .map(Bytes::from)
            .map_err(|_| DecodeError::new("A blob is not valid base64."))
    }

    fn timestamp(&mut self, format: Option<TimestampFormat>) -> Result<Timestamp> {
        let text = self.value()?;
        let parsed = match format {
            Some(TimestampFormat::EpochSeconds) => text.parse().ok().map(Timestamp::from_secs_f64),
            Some(TimestampFormat::HttpDate) => Timestamp::parse_http_date(text).ok(),
            _ => Timestamp::parse_iso8601(text).ok(),
        };
        parsed.ok_or_else(|| DecodeError::new(format!("Value ({text}) is not a valid timestamp.")))
    }

    fn document(&mut self) -> Result<Document> {
        Err(DecodeError::new("awsQuery has no documents."))
    }

    fn structure(&mut self, each: &mut dyn FnMut(&mut Self, &str) -> Result<bool>) -> Result<()> {
        for (name, child) in &self.node.children {
            self.inside(child, |reader| each(reader, name))?;
        }
        Ok(())
    }

    fn list(&mut self, shape: &ListShape, each: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        let holder =
            if shape.flattened { Some(self.node) } else { self.node.children.get(shape.member_name) };
        // `Name=` is how an empty list is written.
        let Some(holder) = holder else { return Ok(()) };
        // A single element may go without its number.
        if shape.flattened && holder.value.as_ref().is_some_and(|value| !value.is_empty()) {
            return self.inside(holder, &mut *each);
        }
        for item in holder.numbered() {
            self.inside(item, &mut *each)?;
        }
        Ok(())
    }

    fn map(&mut self, shape: &MapShape, each: &mut dyn FnMut(&mut Self, String) -> Result<()>) -> Result<()> {
        let holder = if shape.flattened { Some(self.node) } else { self.node.children.get(shape.entry_name) };
        let Some(holder) = holder else { return Ok(()) };
        let single = shape.flattened && holder.children.contains_key(shape.key_name);
        let entries = if single { vec![holder] } else { holder.numbered() };
        for entry in entries {
            let key = entry.parameter(shape.key_name).unwrap_or_default().to_owned();
            match entry.children.get(shape.value_name) {
                Some(value) => self.inside(value, |reader| each(reader, key))?,
                None => return Err(DecodeError::new(format!("The entry {key} has no value."))),
            }
        }
        Ok(())
    }
}
