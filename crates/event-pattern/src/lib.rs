//! Event patterns and filter policies: the one matcher for EventBridge's rules, Lambda's event filters and SNS's
//! filter policies.
//!
//! Owns the grammar of all three, which are dialects of one language (`operators.rs` reads what stands in the lists,
//! `branches.rs` the fields around them), and the matching of documents (`document.rs`) and of SNS message attributes.
//! It knows no service: whoever calls puts the service's own prefix before a [`PatternError`]'s text.
//!
//! The behaviour is that of AWS's open matcher (github.com/aws/event-ruler, "Ruler by Example", "JSON Array
//! Matching"), the error texts are as AWS was recorded to answer, without the position ("at [Source: ...]") that it
//! adds.

mod branches;
mod document;
mod matcher;
mod network;
mod number;
mod operators;
mod wildcard;

use serde_json::Value;

use branches::{Branch, Branches};
use matcher::Matcher;

/// Whose pattern it is: what is allowed in it and how a mistake is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The pattern of an EventBridge rule, archive or pipe.
    EventBridge,
    /// `Pattern` of a filter of an event source mapping.
    LambdaFilter,
    /// An SNS filter policy with the scope `MessageAttributes`: flat.
    SnsAttributes,
    /// An SNS filter policy with the scope `MessageBody`.
    SnsBody,
}

/// A text that is no pattern of its dialect. The text is AWS's where that is known, without what the service puts
/// before it: `Event pattern is not valid. Reason: `, `Invalid parameter: ` or `Invalid parameter: Attributes Reason: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(pub(crate) String);

impl PatternError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// A message attribute's value, as a filter policy sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute<'a> {
    /// Of the type `String`.
    String(&'a str),
    /// Of the type `String.Array`: a JSON array of strings, numbers, `true`, `false` and `null`.
    StringArray(&'a str),
    /// Of the type `Number`: decimal digits.
    Number(&'a str),
    /// Of the type `Binary`. "Amazon SNS ignores message attributes with the Binary data type" (developer guide,
    /// "Filter policy constraints"): as if it were not there.
    Binary,
}

/// What an event must be like.
#[derive(Debug, Clone)]
pub struct Pattern(Branches);

impl Pattern {
    /// Reads a pattern. An empty object matches everything for SNS, where it takes a policy away, and is refused
    /// elsewhere.
    ///
    /// # Errors
    /// [`PatternError`] when the text breaks the dialect's grammar or limits.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, PatternError> {
        let branches = branches::parse(text, dialect);
        branches.map(Self).map_err(|error| match dialect {
            // Lambda does not say what is wrong (recorded).
            Dialect::LambdaFilter => PatternError::new("Invalid filter pattern definition."),
            _ => error,
        })
    }

    /// Whether a document matches: an event, a message's body. Only objects do.
    #[must_use]
    pub fn matches(&self, document: &Value) -> bool {
        document::matches(&self.0, document)
    }

    /// Whether a message's attributes match, by name.
    #[must_use]
    pub fn matches_attributes<'a>(
        &self,
        attributes: impl IntoIterator<Item = (&'a str, Attribute<'a>)>,
    ) -> bool {
        let present: Vec<(&str, Vec<Value>)> = attributes
            .into_iter()
            .filter(|(_, attribute)| *attribute != Attribute::Binary)
            .map(|(name, attribute)| (name, values_of(attribute)))
            .collect();
        let Branches { branches, matchers, .. } = &self.0;
        branches.iter().any(|Branch { leaves, .. }| {
            leaves.iter().all(|leaf| {
                let wanted = &matchers[leaf.matchers];
                match present.iter().find(|(name, _)| *name == &*leaf.path) {
                    Some((_, values)) => wanted.iter().any(|matcher| accepts_any(matcher, values)),
                    None => wanted.contains(&Matcher::Absent),
                }
            })
        })
    }
}

/// An attribute that is there exists, though its array be empty or unreadable.
fn accepts_any(matcher: &Matcher, values: &[Value]) -> bool {
    *matcher == Matcher::Exists || values.iter().any(|value| matcher.accepts(value))
}

fn values_of(attribute: Attribute<'_>) -> Vec<Value> {
    match attribute {
        Attribute::String(text) => vec![Value::from(text)],
        Attribute::StringArray(text) => serde_json::from_str(text).unwrap_or_default(),
        Attribute::Number(text) => number::read(text).map(Value::Number).into_iter().collect(),
        Attribute::Binary => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
