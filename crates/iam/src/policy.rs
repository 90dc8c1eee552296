//! Policy documents: the grammar they share (IAM user guide, "Grammar of the IAM JSON policy language").

mod identity;
mod trust;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

pub(crate) use identity::check_identity_policies;
pub(crate) use trust::{Attempt, Principal, TrustPolicy, Verdict};

/// What AWS answers where a document has not the form of a policy.
const SYNTAX: &str = "Syntax errors in policy.";

/// A policy. A field that comes twice, or that there is not, is an error.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    #[serde(default)]
    statement: OneOrMany<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    sid: Option<String>,
    effect: Option<String>,
    principal: Option<Principals>,
    not_principal: Option<Principals>,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    #[serde(default)]
    condition: Pairs<Pairs<OneOrMany<Scalar>>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Principals {
    /// `*`.
    Everybody(String),
    Of(PrincipalMap),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PrincipalMap {
    #[serde(rename = "AWS", default)]
    aws: OneOrMany<String>,
    #[serde(default)]
    service: OneOrMany<String>,
    #[serde(default)]
    federated: OneOrMany<String>,
    #[serde(default)]
    canonical_user: OneOrMany<String>,
}

/// A value in a condition.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Flag(bool),
    Number(serde_json::Number),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// A list of one may be written without its brackets.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Self::Many(many) => many,
            Self::One(one) => std::slice::from_ref(one),
        }
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

/// A JSON object that keeps what comes twice: a condition must not vanish behind another one with the same name.
#[derive(Debug)]
struct Pairs<V>(Vec<(String, V)>);

impl<V> Default for Pairs<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Collect<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs<V>, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Collect(PhantomData))
    }
}

/// How a policy's size is counted: "IAM doesn't count white space" (IAM user guide, "IAM object quotas").
pub(crate) fn size(document: &str) -> usize {
    document.chars().filter(|character| !character.is_ascii_whitespace()).count()
}

/// The members of a list that must not be empty.
fn members(list: Option<&OneOrMany<String>>) -> &[String] {
    list.map_or(&[], OneOrMany::as_slice)
}

/// Whether no two statements have the same id.
fn sids_are_unique(statements: &[Statement]) -> bool {
    let mut sids: Vec<&str> = statements
        .iter()
        .filter_map(|statement| statement.sid.as_deref())
        .filter(|sid| !sid.is_empty())
        .collect();
    let all = sids.len();
    sids.sort_unstable();
    sids.dedup();
    sids.len() == all
}
