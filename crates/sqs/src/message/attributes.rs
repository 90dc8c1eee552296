//! Message attributes: names, types and values ("Amazon SQS message metadata" in the developer guide).

use std::collections::BTreeMap;

use api_sqs::{MessageAttributeValue, MessageSystemAttributeValue};
use targets::{AttributeValue, Attributes, MessageAttribute};
use wire::Error;

use super::is_valid;
use crate::errors::invalid;

const ATTRIBUTES_MAX: usize = 10;
const NAME_BYTES_MAX: usize = 256;
const TYPE_BYTES_MAX: usize = 256;
/// The one system attribute that can be sent.
const TRACE_HEADER: &str = "AWSTraceHeader";

/// Attributes as they are kept.
pub(super) fn checked(given: BTreeMap<String, MessageAttributeValue>) -> Result<Attributes, Error> {
    let count = given.len();
    if count > ATTRIBUTES_MAX {
        return Err(invalid(format!(
            "Number of message attributes [{count}] exceeds the allowed maximum [{ATTRIBUTES_MAX}]."
        )));
    }
    given
        .into_iter()
        .map(|(name, value)| {
            check_name(&name)?;
            if value.string_list_values.is_some() || value.binary_list_values.is_some() {
                return Err(lists_not_supported());
            }
            let value =
                checked_value("user", &name, value.data_type, value.string_value, value.binary_value)?;
            Ok((name, value))
        })
        .collect()
}

/// System attributes as they are kept.
pub(super) fn checked_system(
    given: BTreeMap<String, MessageSystemAttributeValue>,
) -> Result<Attributes, Error> {
    given
        .into_iter()
        .map(|(name, value)| {
            if name != TRACE_HEADER {
                return Err(invalid(format!("Message system attribute name '{name}' is invalid.")));
            }
            if value.string_list_values.is_some() || value.binary_list_values.is_some() {
                return Err(lists_not_supported());
            }
            let value =
                checked_value("system", &name, value.data_type, value.string_value, value.binary_value)?;
            if value.data_type != "String" {
                return Err(invalid(format!(
                    "The type of message (system) attribute '{name}' is invalid. You must use only the following supported type: \
                     String."
                )));
            }
            Ok((name, value))
        })
        .collect()
}

/// What the system attributes say of the trace.
pub(super) fn trace_header(system: &Attributes) -> Option<String> {
    match &system.get(TRACE_HEADER)?.value {
        AttributeValue::String(text) => Some(text.clone()),
        AttributeValue::Binary(_) => None,
    }
}

/// What counts against the limit: the body and the names, types and values of the attributes.
pub(crate) fn size_bytes(body: &str, attributes: &Attributes) -> usize {
    let value_bytes = |value: &AttributeValue| match value {
        AttributeValue::String(text) => text.len(),
        AttributeValue::Binary(bytes) => bytes.len(),
    };
    let attribute_bytes = attributes
        .iter()
        .map(|(name, attribute)| name.len() + attribute.data_type.len() + value_bytes(&attribute.value));
    body.len() + attribute_bytes.sum::<usize>()
}

fn lists_not_supported() -> Error {
    invalid("Message attribute list values in SendMessage operation are not supported.")
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(invalid("The request must contain non-empty message (user) attribute names."));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(invalid("Message (user) attribute name must be shorter than 256 bytes."));
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(invalid(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved for internal \
             use.",
        ));
    }
    let is_letter = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
    if !name.chars().all(is_letter) || name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(invalid(format!(
            "The message (user) attribute name '{name}' is invalid. It can contain only alphanumeric characters, underscores, \
             hyphens and periods; it can't start or end with a period, nor have periods in succession."
        )));
    }
    Ok(())
}

/// `whose` is `user` or `system`.
fn checked_value(
    whose: &str,
    name: &str,
    data_type: Option<String>,
    string: Option<String>,
    binary: Option<wire::Bytes>,
) -> Result<MessageAttribute, Error> {
    let Some(data_type) = data_type.filter(|data_type| !data_type.is_empty()) else {
        return Err(invalid(format!(
            "The message ({whose}) attribute '{name}' must contain a non-empty message attribute value."
        )));
    };
    if data_type.len() > TYPE_BYTES_MAX {
        return Err(invalid(format!("Message ({whose}) attribute type must be shorter than 256 bytes.")));
    }
    let kind = data_type.split_once('.').map_or(data_type.as_str(), |(kind, _)| kind);
    let empty = || {
        invalid(format!(
            "Message ({whose}) attribute '{name}' must contain a non-empty value of type '{kind}'."
        ))
    };
    let value = match kind {
        "String" | "Number" => {
            let text = string.filter(|text| !text.is_empty()).ok_or_else(empty)?;
            if kind == "Number" && !is_number(&text) {
                let message =
                    format!("Can't cast the value of message ({whose}) attribute '{name}' to a number.");
                return Err(invalid(message));
            }
            if !text.chars().all(is_valid) {
                return Err(invalid(format!(
                    "Invalid characters found in the value of message ({whose}) attribute '{name}'. Valid unicode characters are \
                     #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
                )));
            }
            AttributeValue::String(text)
        }
        "Binary" => {
            AttributeValue::Binary(binary.filter(|bytes| !bytes.is_empty()).ok_or_else(empty)?.to_vec())
        }
        _ => {
            return Err(invalid(format!(
                "The type of message ({whose}) attribute '{name}' is invalid. You must use only the following supported type \
                 prefixes: Binary, Number, String."
            )));
        }
    };
    Ok(MessageAttribute { data_type, value })
}

/// Digits with a sign, a point and an exponent; what Rust reads besides are words.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(data_type: &str, value: &str) -> MessageAttributeValue {
        MessageAttributeValue {
            data_type: Some(data_type.to_owned()),
            string_value: Some(value.to_owned()),
            ..Default::default()
        }
    }

    #[track_caller]
    fn refused(name: &str, value: MessageAttributeValue, message: &str) {
        let error = checked(BTreeMap::from([(name.to_owned(), value)])).expect_err("an error");
        assert_eq!((error.code(), error.message().unwrap_or_default()), ("InvalidParameterValue", message));
    }

    #[test]
    fn attributes_that_mean_nothing_are_refused() {
        refused(
            "ErrorDetails",
            text("String", ""),
            "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.",
        );
        refused(
            "n",
            text("Number", "world"),
            "Can't cast the value of message (user) attribute 'n' to a number.",
        );
        refused(
            "n",
            text("Number.int", "NaN"),
            "Can't cast the value of message (user) attribute 'n' to a number.",
        );
        refused(
            "b",
            text("Binary", "x"),
            "Message (user) attribute 'b' must contain a non-empty value of type 'Binary'.",
        );
        refused(
            "t",
            text("Text", "x"),
            "The type of message (user) attribute 't' is invalid. You must use only the following supported type prefixes: \
             Binary, Number, String.",
        );
        let list =
            MessageAttributeValue { string_list_values: Some(vec!["x".to_owned()]), ..text("String", "x") };
        refused("l", list, "Message attribute list values in SendMessage operation are not supported.");
        refused(
            "",
            text("String", "x"),
            "The request must contain non-empty message (user) attribute names.",
        );
        for name in ["AWS.x", "amazon.x"] {
            refused(
                name,
                text("String", "x"),
                "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved for \
                 internal use.",
            );
        }
        let long = "a".repeat(257);
        refused(&long, text("String", "x"), "Message (user) attribute name must be shorter than 256 bytes.");
        for name in [".x", "x.", "x..y", "x y", "x/y"] {
            let error = checked(BTreeMap::from([(name.to_owned(), text("String", "x"))])).expect_err(name);
            assert_eq!(error.code(), "InvalidParameterValue");
        }
        let many = (0..11).map(|index| (format!("a{index}"), text("String", "x"))).collect();
        let error = checked(many).expect_err("eleven");
        assert_eq!(
            error.message(),
            Some("Number of message attributes [11] exceeds the allowed maximum [10].")
        );
    }

    #[test]
    fn types_may_have_labels() {
        for (data_type, value) in
            [("String.json", "{}"), ("Number.bigint", "1234567890123456789012"), ("Number", "-1.5e3")]
        {
            let attributes = checked(BTreeMap::from([("a".to_owned(), text(data_type, value))])).unwrap();
            assert_eq!(attributes["a"].data_type, data_type);
        }
    }

    #[test]
    fn names_types_and_values_count() {
        let attributes = checked(BTreeMap::from([("ab".to_owned(), text("String", "xyz"))])).unwrap();
        assert_eq!(size_bytes("é", &attributes), 2 + 2 + 6 + 3);
    }
}
