//! What one entry of a pattern's list accepts.

use std::net::IpAddr;

use serde_json::{Number, Value};

use crate::network::Network;
use crate::number::{self, Range};
use crate::wildcard::Wildcard;

/// One entry of a list. What is about text accepts only strings, `numeric` only numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Matcher {
    /// This text.
    Text(String),
    /// This address, however it is written.
    Address(IpAddr),
    /// This number, however it is written.
    Number(Number),
    /// `true`, `false` or `null`.
    Constant(Value),
    /// Texts that begin with this.
    Prefix(Letters),
    /// Texts that end with this.
    Suffix(Letters),
    /// This text, in large letters or small.
    EqualsIgnoreCase(Letters),
    /// Texts of this form.
    Wildcard(Wildcard),
    /// Numbers of this range.
    Numeric(Range),
    /// Addresses of this network.
    Cidr(Network),
    /// Whatever none of these accept.
    AnythingBut(Vec<Matcher>),
    /// Any value at all.
    Exists,
    /// No value: asked of the field, not of a value.
    Absent,
}

impl Matcher {
    /// This text, or this address where it is one.
    pub(crate) fn text(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Text(text.to_owned()), Self::Address)
    }

    /// Whether a value that is neither an object nor an array is accepted.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Exists, _) => true,
            (Self::Absent, _) => false,
            (Self::AnythingBut(excluded), _) => !excluded.iter().any(|matcher| matcher.accepts(value)),
            (Self::Constant(constant), _) => constant == value,
            (Self::Numeric(range), _) => range.contains(value),
            (Self::Number(wanted), Value::Number(number)) => number::equal(wanted, number),
            (Self::Text(wanted), Value::String(text)) => wanted == text,
            (Self::Address(wanted), Value::String(text)) => text.parse() == Ok(*wanted),
            (Self::Prefix(letters), Value::String(text)) => letters.begin(text),
            (Self::Suffix(letters), Value::String(text)) => letters.end(text),
            (Self::EqualsIgnoreCase(letters), Value::String(text)) => letters.are(text),
            (Self::Wildcard(wildcard), Value::String(text)) => wildcard.matches(text),
            (Self::Cidr(network), Value::String(text)) => network.contains(text),
            _ => false,
        }
    }
}

/// Letters that may count the same in both cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Letters {
    Exact(String),
    /// In small letters.
    AnyCase(String),
}

impl Letters {
    pub(crate) fn any_case(text: &str) -> Self {
        Self::AnyCase(text.to_lowercase())
    }

    fn begin(&self, text: &str) -> bool {
        match self {
            Self::Exact(letters) => text.starts_with(letters.as_str()),
            Self::AnyCase(letters) => text.to_lowercase().starts_with(letters.as_str()),
        }
    }

    fn end(&self, text: &str) -> bool {
        match self {
            Self::Exact(letters) => text.ends_with(letters.as_str()),
            Self::AnyCase(letters) => text.to_lowercase().ends_with(letters.as_str()),
        }
    }

    fn are(&self, text: &str) -> bool {
        match self {
            Self::Exact(letters) => text == letters,
            Self::AnyCase(letters) => text.to_lowercase() == *letters,
        }
    }
}
