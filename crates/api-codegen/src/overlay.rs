//! What a service of ours does differently from its model.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `models/<service>/overlay.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// The name of the generated trait, such as `Lambda`.
    pub trait_name: String,
    /// Generate types for all operations, not only for those that are served.
    #[serde(default)]
    pub all_types: bool,
    /// The operations that are served: the generated trait has just these.
    pub implemented: Vec<String>,
    /// Operations that need no signature, because their input proves the right to them.
    #[serde(default)]
    pub unsigned: Vec<String>,
    /// Protocols that the model does not list.
    #[serde(default)]
    pub extra_protocols: Vec<String>,
    /// The error code of input that breaks a constraint.
    pub validation_code: Option<String>,
    /// Structures that are unions although the model does not mark them.
    #[serde(default)]
    pub unions: Vec<String>,
    /// Patterns that the `regex` crate cannot compile, and what means the same there.
    #[serde(default)]
    pub patterns: BTreeMap<String, String>,
    /// Values that enumerations have besides those of the model.
    #[serde(default)]
    pub values: BTreeMap<String, Vec<String>>,
    /// What flattened lists and maps are called in awsQuery, by shape, where the model has only the names of JSON.
    #[serde(default)]
    pub query: BTreeMap<String, QueryNames>,
    /// The namespace of awsQuery's answers, where the model has none.
    pub xml_namespace: Option<String>,
    /// The member that the request's path stands for where the body leaves it out.
    pub path_member: Option<String>,
    /// Members that are checked by the handler, as `Shape.Member` or `*.Member`, each with the reason: their constraints,
    /// those of their elements and keys, and whether they are there.
    #[serde(default)]
    pub unchecked: BTreeMap<String, String>,
    /// Numbers' and lengths' upper bounds that differ, by shape.
    #[serde(default)]
    pub max: BTreeMap<String, f64>,
    /// Headers of answers that the model does not tell of, as `Shape.Member`. Each becomes a string member.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Error codes, statuses and faults by exception: `{ code, status, sender }`.
    #[serde(default)]
    pub errors: BTreeMap<String, ErrorOverlay>,
}

/// What an exception means on the wire, where the model does not say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorOverlay {
    pub code: Option<String>,
    pub status: Option<u16>,
    pub sender: Option<bool>,
    /// What awsQuery says whatever the message is.
    pub query_message: Option<String>,
}

/// The names of a flattened list's elements, or of a flattened map's entries, keys and values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryNames {
    pub name: String,
    pub key: Option<String>,
    pub value: Option<String>,
}
