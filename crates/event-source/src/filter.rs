//! Which records a mapping wants.
//!
//! A filter's pattern may ask for what a record contains (the key `body` of a queue's message, `data` of a stream's
//! record), and for what is said about it. A pattern that expects JSON there wants nothing that is none, and for queues
//! the other way round (AWS Lambda developer guide, "Control which events Lambda sends to your function", "Properly
//! filtering Amazon SQS messages", "Properly filtering Kinesis and DynamoDB messages").

use event_pattern::{Dialect, Pattern, PatternError};
use serde_json::{Map, Value};

/// Where a message's content is.
const BODY: &str = "body";
/// Where a record's content is.
const DATA: &str = "data";

/// The compiled filters of a mapping.
#[derive(Debug)]
pub(crate) struct Filter {
    patterns: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    pattern: Pattern,
    /// It asks for fields of the content.
    asks_for_json: bool,
    /// It asks for the content as a text.
    asks_for_text: bool,
    /// It asks for something beside the content.
    asks_for_metadata: bool,
}

/// What is found in a pattern.
enum Asked<'a> {
    /// For the content.
    Content(&'a Value),
    Metadata,
}

/// What a record contains.
enum Content {
    /// An object or an array. Other JSON texts are but texts.
    Json(Value),
    Text,
    /// Bytes that are no text.
    Binary,
}

impl Content {
    fn of(data: &[u8]) -> Self {
        match serde_json::from_slice(data) {
            Ok(json @ (Value::Object(_) | Value::Array(_))) => Self::Json(json),
            _ if std::str::from_utf8(data).is_ok() => Self::Text,
            _ => Self::Binary,
        }
    }
}

impl Compiled {
    fn new(text: &str) -> Result<Self, PatternError> {
        let pattern = Pattern::parse(text, Dialect::LambdaFilter)?;
        let source: Value = serde_json::from_str(text).unwrap_or_default();
        let [mut asks_for_json, mut asks_for_text, mut asks_for_metadata] = [false; 3];
        look(&source, &mut |asked| match asked {
            Asked::Content(Value::Array(_)) => asks_for_text = true,
            Asked::Content(_) => asks_for_json = true,
            Asked::Metadata => asks_for_metadata = true,
        });
        Ok(Self { pattern, asks_for_json, asks_for_text, asks_for_metadata })
    }

    /// Whether it can want anything that contains this at all.
    const fn suits(&self, content: &Content) -> bool {
        match content {
            Content::Json(_) => self.asks_for_json || !self.asks_for_text,
            Content::Text => self.asks_for_text || !self.asks_for_json,
            Content::Binary => !self.asks_for_text && !self.asks_for_json,
        }
    }
}

/// Finds what is asked for, also in the branches of `$or`.
fn look(pattern: &Value, found: &mut impl FnMut(Asked<'_>)) {
    let Value::Object(members) = pattern else { return };
    for (name, value) in members {
        match (name.as_str(), value) {
            (BODY | DATA, asked) => found(Asked::Content(asked)),
            ("$or", Value::Array(branches)) => branches.iter().for_each(|branch| look(branch, found)),
            _ => found(Asked::Metadata),
        }
    }
}

impl Filter {
    pub(crate) fn new(patterns: &[String]) -> Result<Self, PatternError> {
        let patterns = patterns.iter().map(|pattern| Compiled::new(pattern)).collect::<Result<_, _>>()?;
        Ok(Self { patterns })
    }

    /// Whether there is no filter: then nothing has to be looked at.
    pub(crate) const fn wants_all(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a message of a queue is wanted. `metadata` makes the other fields that a pattern may name (`messageId`,
    /// `attributes`, `messageAttributes`, ...), and is called only when a filter does.
    pub(crate) fn wants_message(&self, body: &str, metadata: impl FnOnce() -> Map<String, Value>) -> bool {
        self.wants_all() || self.wants(BODY, body.as_bytes(), metadata)
    }

    /// Whether a record of a stream is wanted. `data` is what the producer put, decoded; `metadata` makes the other
    /// fields that a pattern may name (`partitionKey`, `eventName`, ...), and is called only when a filter does.
    pub(crate) fn wants_record(&self, data: &[u8], metadata: impl FnOnce() -> Map<String, Value>) -> bool {
        self.wants_all() || self.wants(DATA, data, metadata)
    }

    fn wants(&self, key: &str, data: &[u8], metadata: impl FnOnce() -> Map<String, Value>) -> bool {
        let content = Content::of(data);
        let suitable: Vec<&Compiled> =
            self.patterns.iter().filter(|pattern| pattern.suits(&content)).collect();
        if suitable.is_empty() {
            return false;
        }
        let asks_for_metadata = suitable.iter().any(|compiled| compiled.asks_for_metadata);
        let mut record = if asks_for_metadata { metadata() } else { Map::new() };
        match content {
            Content::Json(json) => drop(record.insert(key.to_owned(), json)),
            Content::Text => {
                record.insert(key.to_owned(), String::from_utf8_lossy(data).into());
            }
            Content::Binary => {}
        }
        let record = Value::Object(record);
        suitable.iter().any(|compiled| compiled.pattern.matches(&record))
    }
}

#[cfg(test)]
mod tests;
