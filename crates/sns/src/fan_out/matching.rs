//! Whether a subscription wants a message. Source: Amazon SNS developer guide, "Amazon SNS message filtering".

use std::collections::HashMap;

use event_pattern::Attribute;
use serde_json::Value;
use targets::AttributeValue;

use crate::message::Publication;
use crate::topics::Filter;

/// The documents that were read out of a message's texts; `None` for a text that is none.
#[derive(Debug, Default)]
pub(crate) struct Bodies<'a>(HashMap<&'a str, Option<Value>>);

/// Which metrics count a message that was filtered out, besides the one that counts all of them (developer guide,
/// "Monitoring Amazon SNS topics using CloudWatch").
pub(crate) type Reasons = &'static [&'static str];

/// Whether the message passes; if not, why.
///
/// # Errors
/// The reasons.
pub(crate) fn check<'a>(
    filter: &Filter,
    publication: &Publication,
    text: &'a str,
    bodies: &mut Bodies<'a>,
) -> Result<(), Reasons> {
    if filter.of_body {
        let body = bodies.0.entry(text).or_insert_with(|| serde_json::from_str(text).ok());
        return match body {
            None => Err(&[
                "NumberOfNotificationsFilteredOut-MessageBody",
                "NumberOfNotificationsFilteredOut-InvalidMessageBody",
            ]),
            Some(body) if filter.pattern.matches(body) => Ok(()),
            Some(_) => Err(&["NumberOfNotificationsFilteredOut-MessageBody"]),
        };
    }
    let attributes = publication.attributes.iter().filter_map(|(name, attribute)| {
        let value = match (&attribute.value, attribute.data_type.as_str()) {
            (AttributeValue::Binary(_), _) => Attribute::Binary,
            (AttributeValue::String(text), "String.Array") => Attribute::StringArray(text),
            (AttributeValue::String(text), "Number") => Attribute::Number(text),
            (AttributeValue::String(text), "String") => Attribute::String(text),
            // A label of one's own makes a type that policies do not know.
            _ => return None,
        };
        Some((name.as_str(), value))
    });
    if filter.pattern.matches_attributes(attributes) {
        Ok(())
    } else if publication.attributes.is_empty() {
        Err(&[
            "NumberOfNotificationsFilteredOut-MessageAttributes",
            "NumberOfNotificationsFilteredOut-NoMessageAttributes",
        ])
    } else {
        Err(&["NumberOfNotificationsFilteredOut-MessageAttributes"])
    }
}
