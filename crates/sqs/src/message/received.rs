//! What a receiver is told of a message.

use std::collections::BTreeMap;

use api_sqs::{Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};
use queue::md5_of_body;
use targets::{AttributeValue, MessageAttribute};
use wire::Error;

use crate::errors::unknown_attribute;

/// What the receiver wants to know.
#[derive(Debug)]
pub(crate) struct Wanted {
    all_system: bool,
    /// Names.
    system: Vec<String>,
    /// Names, and beginnings of names with `.*` after them.
    attributes: Vec<String>,
}

impl Wanted {
    /// `older` is what system attributes were asked for by before they had a parameter of their own.
    pub(crate) fn new(
        older: Option<Vec<QueueAttributeName>>,
        system: Option<Vec<MessageSystemAttributeName>>,
        attributes: Option<Vec<String>>,
    ) -> Result<Self, Error> {
        let older = older.iter().flatten().map(|name| name.as_str().to_owned());
        let system: Vec<String> =
            older.chain(system.iter().flatten().map(|name| name.as_str().to_owned())).collect();
        // Clients of old may ask for attributes of queues here: they get none.
        let is_known = |name: &str| {
            MessageSystemAttributeName::VALUES.contains(&name) || QueueAttributeName::VALUES.contains(&name)
        };
        let unknown = system.iter().find(|name| !is_known(name));
        if let Some(name) = unknown {
            return Err(unknown_attribute(name));
        }
        let all_system = system.iter().any(|name| name == "All");
        Ok(Self { all_system, system, attributes: attributes.unwrap_or_default() })
    }

    fn wants(&self, name: &str) -> bool {
        self.attributes.iter().any(|wanted| match wanted.strip_suffix(".*") {
            Some(beginning) => name.starts_with(beginning),
            None => wanted == "All" || wanted == "*" || wanted == name,
        })
    }

    /// The message as the receiver sees it.
    pub(crate) fn message(&self, message: queue::Message) -> Message {
        let wanted: BTreeMap<&String, &MessageAttribute> =
            message.attributes.iter().filter(|(name, _)| self.wants(name)).collect();
        let md5_of_attributes = (!wanted.is_empty())
            .then(|| queue::md5_of_attributes(wanted.iter().map(|(name, value)| (*name, *value))));
        let attributes: BTreeMap<String, MessageAttributeValue> =
            wanted.into_iter().map(|(name, attribute)| (name.clone(), shown(attribute))).collect();
        let system = self.system_attributes(&message);
        Message {
            message_id: Some(message.id),
            receipt_handle: Some(message.receipt.0),
            md5_of_body: Some(md5_of_body(&message.body)),
            body: Some(message.body),
            attributes: (!system.is_empty()).then_some(system),
            md5_of_message_attributes: md5_of_attributes,
            message_attributes: (!attributes.is_empty()).then_some(attributes),
        }
    }

    fn system_attributes(&self, message: &queue::Message) -> BTreeMap<String, String> {
        if self.system.is_empty() {
            return BTreeMap::new();
        }
        let sequence_number = message.sequence_number.map(|number| format!("{number:020}"));
        [
            ("SenderId", Some(message.sender_id.clone())),
            ("SentTimestamp", Some(message.sent.as_millis().to_string())),
            ("ApproximateReceiveCount", Some(message.receive_count.to_string())),
            ("ApproximateFirstReceiveTimestamp", Some(message.first_received.as_millis().to_string())),
            ("SequenceNumber", sequence_number),
            ("MessageDeduplicationId", message.deduplication_id.clone()),
            ("MessageGroupId", message.group_id.clone()),
            ("AWSTraceHeader", message.trace_header.clone()),
            ("DeadLetterQueueSourceArn", message.dead_letter_source.clone()),
        ]
        .into_iter()
        .filter(|(name, _)| self.all_system || self.system.iter().any(|wanted| wanted == name))
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }
}

fn shown(attribute: &MessageAttribute) -> MessageAttributeValue {
    let data_type = Some(attribute.data_type.clone());
    match &attribute.value {
        AttributeValue::String(text) => {
            MessageAttributeValue { data_type, string_value: Some(text.clone()), ..Default::default() }
        }
        AttributeValue::Binary(bytes) => MessageAttributeValue {
            data_type,
            binary_value: Some(bytes.clone().into()),
            ..Default::default()
        },
    }
}
