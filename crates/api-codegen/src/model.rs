//! botocore's form of an API model.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A service's model.
#[derive(Debug, Deserialize)]
pub struct Model {
    /// What the service is.
    pub metadata: Metadata,
    /// What it does.
    pub operations: BTreeMap<String, Operation>,
    /// What it speaks of.
    pub shapes: BTreeMap<String, Shape>,
}

/// What the service is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub api_version: String,
    pub protocol: String,
    #[serde(default)]
    pub protocols: Vec<String>,
    pub json_version: Option<String>,
    pub service_full_name: String,
    pub service_id: String,
    pub signing_name: Option<String>,
    pub endpoint_prefix: String,
    pub target_prefix: Option<String>,
    pub xml_namespace: Option<String>,
    pub aws_query_compatible: Option<Value>,
}

/// One operation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    pub http: Http,
    pub input: Option<ShapeRef>,
    pub output: Option<ShapeRef>,
    #[serde(default)]
    pub errors: Vec<ShapeRef>,
}

/// How it is asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    pub method: String,
    pub request_uri: String,
    pub response_code: Option<u16>,
}

/// A use of a shape, with what this use adds.
#[derive(Debug, Deserialize, Default, Clone)]
#[serde(rename_all = "camelCase")]
pub struct ShapeRef {
    pub shape: String,
    pub location: Option<String>,
    pub location_name: Option<String>,
    #[serde(default)]
    pub flattened: bool,
    #[serde(default)]
    pub eventpayload: bool,
    #[serde(default)]
    pub eventheader: bool,
    pub timestamp_format: Option<String>,
}

/// A shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    #[serde(rename = "type")]
    pub kind: String,
    /// In model order: the order of members matters for validation.
    #[serde(default)]
    pub members: serde_json::Map<String, Value>,
    #[serde(default)]
    pub required: Vec<String>,
    pub member: Option<ShapeRef>,
    pub key: Option<ShapeRef>,
    pub value: Option<ShapeRef>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub pattern: Option<String>,
    #[serde(rename = "enum", default)]
    pub values: Vec<String>,
    #[serde(default)]
    pub sensitive: bool,
    #[serde(default)]
    pub flattened: bool,
    pub payload: Option<String>,
    #[serde(default)]
    pub exception: bool,
    pub error: Option<ErrorTrait>,
    #[serde(default)]
    pub fault: bool,
    #[serde(default)]
    pub eventstream: bool,
    #[serde(default)]
    pub union: bool,
    #[serde(default)]
    pub document: bool,
    pub timestamp_format: Option<String>,
}

impl Shape {
    /// The members in model order.
    pub fn member_refs(&self) -> impl Iterator<Item = (&str, ShapeRef)> {
        self.members.iter().map(|(name, value)| {
            let reference = serde_json::from_value(value.clone()).unwrap_or_default();
            (name.as_str(), reference)
        })
    }
}

/// What an exception means on the wire.
#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct ErrorTrait {
    pub code: Option<String>,
    pub http_status_code: Option<u16>,
    pub sender_fault: Option<bool>,
}

/// Takes the prose out of a model.
pub fn trim(model: &mut Value) {
    match model {
        Value::Object(entries) => {
            entries.retain(|key, value| {
                let prose =
                    matches!(key.as_str(), "documentation" | "documentationUrl" | "deprecatedMessage")
                        && value.is_string();
                !prose && !matches!(key.as_str(), "examples" | "version")
            });
            entries.values_mut().for_each(trim);
        }
        Value::Array(items) => items.iter_mut().for_each(trim),
        _ => {}
    }
}
