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
    /// Members whose constraints are checked by the handler, as `Shape.Member`, each with the reason.
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
}
