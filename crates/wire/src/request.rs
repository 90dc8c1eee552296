//! A request whose service and operation are known, on its way to a handler.

use bytes::Bytes;
use http::HeaderMap;

use crate::cbor::{CborReader, Epoch};
use crate::decode::{DecodeError, Presence, finish_struct, read_members, read_value};
use crate::http_binding::read_bound;
use crate::json::JsonReader;
use crate::query::{Node, QueryReader};
use crate::validate::{Step, Violations};
use crate::xml::{Element, XmlReader};
use crate::{At, Error, Labels, Mut, OperationSchema, Protocol, ServiceSchema, Struct, Target};

/// A request that has been routed.
#[derive(Debug)]
pub struct Request {
    /// Whose operation it is.
    pub service: &'static ServiceSchema,
    /// What is asked for.
    pub operation: &'static OperationSchema,
    /// How it was written, and how the answer will be.
    pub protocol: Protocol,
    /// The HTTP request without its body.
    pub parts: http::request::Parts,
    /// What the path's labels stand for.
    pub labels: Labels,
    /// The whole body.
    pub body: Bytes,
}

impl Request {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| *label == name).map(|(_, text)| text.as_str())
    }

    pub(crate) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// Reads and checks the operation's input.
    ///
    /// # Errors
    /// AWS's own code, status and words for a body that is malformed, of the wrong type, or breaks a constraint.
    pub fn decode(&self, into: &mut dyn Struct) -> Result<(), Error> {
        self.read(into).map_err(|error| match error {
            DecodeError::Serialization(message) => Error::client(self.malformed_code(), 400, message),
            DecodeError::Validation(message) => Error::client(self.service.validation_code, 400, message),
        })
    }

    fn malformed_code(&self) -> &'static str {
        match self.protocol {
            Protocol::AwsQuery => "MalformedInput",
            Protocol::RestXml => "MalformedXML",
            _ => "SerializationException",
        }
    }

    fn read(&self, into: &mut dyn Struct) -> Result<(), DecodeError> {
        let mut presence = Presence::default();
        let mut violations = Violations::default();
        let rest = matches!(self.protocol, Protocol::RestJson1 | Protocol::RestXml);
        if rest {
            read_bound(self, into, &mut presence, &mut violations)?;
        }
        match into.schema().payload().filter(|_| rest) {
            Some((index, member)) => {
                violations.enter(Step::Member(member));
                self.read_payload(member.target, into.field_mut(index), &mut violations)?;
                violations.leave();
                presence.mark(index);
            }
            None => self.read_body(into, &mut presence, &mut violations, rest)?,
        }
        if !rest {
            self.read_labels(into, &mut presence);
        }
        finish_struct(into.schema(), presence, &mut violations)?;
        if violations.is_empty() { Ok(()) } else { Err(DecodeError::Validation(violations.into_message())) }
    }

    /// Without HTTP bindings, the path tells what the body leaves out: older clients of SQS post to a queue's own URL.
    fn read_labels(&self, into: &mut dyn Struct, presence: &mut Presence) {
        for (label, text) in &self.labels {
            let index = into.schema().members.iter().position(|member| member.name == *label);
            if let Some(index) = index.filter(|index| !presence.has(*index))
                && let Mut::String(place) = into.field_mut(index)
            {
                place.clone_from(text);
                presence.mark(index);
            }
        }
    }

    fn read_body(
        &self,
        into: &mut dyn Struct,
        presence: &mut Presence,
        violations: &mut Violations,
        rest: bool,
    ) -> Result<(), DecodeError> {
        let bound: fn(At) -> bool = if rest { |at| at != At::Body } else { |_| false };
        match self.protocol {
            Protocol::AwsQuery => {
                let form = std::str::from_utf8(&self.body)
                    .map_err(|_| DecodeError::new("The request body is not valid UTF-8."))?;
                let form = if form.is_empty() { self.query() } else { form };
                let tree = Node::parse(form)?;
                read_members(&mut QueryReader::new(&tree), into, presence, violations, bound)
            }
            // Nothing is an empty structure in every protocol.
            _ if self.body.is_empty() => Ok(()),
            Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson1 => {
                let has_body = into.schema().members.iter().any(|member| !bound(member.at));
                if rest && !has_body {
                    return Ok(());
                }
                let mut reader = JsonReader::new(&self.body);
                read_members(&mut reader, into, presence, violations, bound)?;
                reader.finish()
            }
            Protocol::RpcV2Cbor | Protocol::AwsCbor11 => {
                let mut reader = CborReader::new(&self.body, Epoch::of(self.protocol));
                read_members(&mut reader, into, presence, violations, bound)?;
                reader.finish()
            }
            Protocol::RestXml => {
                let root = Element::parse(&self.body)?;
                read_members(&mut XmlReader::new(&root), into, presence, violations, bound)
            }
        }
    }

    /// A member that is the body by itself.
    fn read_payload(
        &self,
        target: &'static Target,
        slot: Mut<'_>,
        violations: &mut Violations,
    ) -> Result<(), DecodeError> {
        match slot {
            Mut::Blob(place) => {
                // The bytes are handed over without a copy.
                place.clone_from(&self.body);
                Ok(())
            }
            Mut::String(place) => {
                let text = std::str::from_utf8(&self.body)
                    .map_err(|_| DecodeError::new("The request body is not valid UTF-8."))?;
                text.clone_into(place);
                Ok(())
            }
            Mut::Struct(_) if self.body.is_empty() => Ok(()),
            slot if self.protocol == Protocol::RestXml => {
                let root = Element::parse(&self.body)?;
                read_value(&mut XmlReader::new(&root), target, slot, violations)
            }
            slot => {
                let mut reader = JsonReader::new(&self.body);
                read_value(&mut reader, target, slot, violations)?;
                reader.finish()
            }
        }
    }
}

/// The `Action` and `Version` of an awsQuery request, from its body or its query string.
#[must_use]
pub fn query_action(form: &str) -> Option<(String, Option<String>)> {
    let tree = Node::parse(form).ok()?;
    let action = tree.parameter("Action")?.to_owned();
    Some((action, tree.parameter("Version").map(str::to_owned)))
}
