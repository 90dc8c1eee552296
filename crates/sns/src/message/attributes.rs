//! Message attributes. Source: Amazon SNS developer guide, "Amazon SNS message attributes"; the texts of errors were
//! observed.

use std::collections::BTreeMap;

use api_sns::MessageAttributeValue;
use serde_json::Value;
use targets::{AttributeValue, Attributes, MessageAttribute};

use crate::errors::{Outcome, value_invalid};

const NAME_BYTES_MAX: usize = 256;

/// Bytes of names, types and values.
pub(crate) fn size_bytes(attributes: &BTreeMap<String, MessageAttributeValue>) -> usize {
    let value_bytes = |value: &MessageAttributeValue| {
        value.string_value.as_ref().map_or(0, String::len)
            + value.binary_value.as_ref().map_or(0, |v| v.len())
    };
    attributes.iter().map(|(name, value)| name.len() + value.data_type.len() + value_bytes(value)).sum()
}

/// Checks all of them.
///
/// # Errors
/// `ParameterValueInvalid`.
pub(crate) fn check(attributes: &BTreeMap<String, MessageAttributeValue>) -> Outcome<()> {
    for (name, value) in attributes {
        check_name(name)?;
        check_value(name, value)?;
    }
    Ok(())
}

fn check_name(name: &str) -> Outcome<()> {
    if name.len() > NAME_BYTES_MAX {
        return Err(value_invalid("Length of message attribute name must be less than 256 bytes."));
    }
    if name.starts_with('.') || name.is_empty() {
        return Err(value_invalid("Invalid message attribute name starting with character '.' was found."));
    }
    if name.ends_with('.') {
        return Err(value_invalid("Invalid message attribute name ending with character '.' was found."));
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if let Some(wrong) = name.chars().find(|c| !is_allowed(*c)) {
        return Err(value_invalid(format!(
            "Invalid non-alphanumeric character '#x{:X}' was found in the message attribute name. Can only include \
             alphanumeric characters, hyphens, underscores, or dots.",
            u32::from(wrong)
        )));
    }
    if name.contains("..") {
        return Err(value_invalid("Message attribute name can not have successive '.' character."));
    }
    Ok(())
}

fn check_value(name: &str, value: &MessageAttributeValue) -> Outcome<()> {
    let data_type = value.data_type.as_str();
    let kind = data_type.split('.').next().unwrap_or_default();
    if !matches!(kind, "String" | "Number" | "Binary") || data_type.ends_with('.') {
        return Err(value_invalid(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is \
             Binary, Number, and String."
        )));
    }
    let empty = || {
        value_invalid(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message attribute type \
             '{data_type}'."
        ))
    };
    let other_field = |field: &str| {
        value_invalid(format!(
            "The message attribute '{name}' with type '{data_type}' must use field '{field}'."
        ))
    };
    match (kind, &value.string_value, &value.binary_value) {
        (_, None, None) => Err(empty()),
        ("Binary", _, None) => Err(other_field("Binary")),
        ("Binary", _, Some(bytes)) if bytes.is_empty() => Err(empty()),
        ("Binary", ..) => Ok(()),
        (_, None, Some(_)) => Err(other_field("String")),
        (_, Some(text), _) if text.is_empty() => Err(empty()),
        ("Number", Some(text), _) if text.trim().parse::<f64>().is_err() => Err(value_invalid(format!(
            "The message attribute '{name}' with type '{data_type}' must contain a number."
        ))),
        (_, Some(text), _) if data_type == "String.Array" => check_array(name, text),
        _ => Ok(()),
    }
}

/// "String.Array – A string, formatted as an array, that can contain multiple values. The values can be strings,
/// numbers, or the keywords true, false, and null."
fn check_array(name: &str, text: &str) -> Outcome<()> {
    let is_plain = |value: &Value| !value.is_array() && !value.is_object();
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(values)) if values.iter().all(is_plain) => Ok(()),
        _ => Err(value_invalid(format!(
            "The message attribute '{name}' with type 'String.Array' must contain a JSON array of strings, numbers, \
             booleans or null."
        ))),
    }
}

/// As they are handed on.
pub(crate) fn convert(attributes: BTreeMap<String, MessageAttributeValue>) -> Attributes {
    let convert = |value: MessageAttributeValue| {
        let is_binary = value.data_type.starts_with("Binary");
        let text = value.string_value.unwrap_or_default();
        let bytes = value.binary_value.unwrap_or_default();
        let content =
            if is_binary { AttributeValue::Binary(bytes.to_vec()) } else { AttributeValue::String(text) };
        MessageAttribute { data_type: value.data_type, value: content }
    };
    attributes.into_iter().map(|(name, value)| (name, convert(value))).collect()
}
