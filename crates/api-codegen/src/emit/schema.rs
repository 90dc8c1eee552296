//! `schema.rs`: what the shapes are made of, as static data.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};

use super::{Emitter, HEADER, MemberView, inner};
use crate::model::{Shape, ShapeRef};
use crate::{names, pattern};

/// The statics of a file, each once, by name.
#[derive(Default)]
struct Statics {
    text: BTreeMap<String, String>,
    /// Patterns by their text.
    patterns: BTreeMap<String, String>,
}

impl Emitter<'_> {
    pub(super) fn schemas(&self) -> Result<String> {
        let mut statics = Statics::default();
        for (name, shape) in self.reachable_of("structure")? {
            if !shape.document {
                self.schema(&mut statics, name, shape)?;
            }
        }
        let body: String = statics.text.values().map(String::as_str).collect();
        let mut used = Vec::new();
        for word in [
            "At",
            "ErrorTrait",
            "Length",
            "ListShape",
            "MapShape",
            "Member",
            "Pattern",
            "Range",
            "Schema",
            "StringShape",
            "Target",
            "TimestampFormat",
        ] {
            if body.contains(&format!("{word}::"))
                || body.contains(&format!("{word} {{"))
                || body.contains(&format!(": {word}"))
                || body.contains(&format!("({word}"))
            {
                used.push(word);
            }
        }
        Ok(format!("{HEADER}use wire::{{{}}};\n\n{body}", used.join(", ")))
    }

    fn schema(&self, statics: &mut Statics, name: &str, shape: &Shape) -> Result<()> {
        let mut members = String::new();
        for member in self.members(name, shape)? {
            let target = self.member_target(statics, name, &member)?;
            writeln!(
                members,
                "    Member {{ name: {:?}, wire: {:?}, at: At::{}, required: {}, target: &{target} }},",
                member.name,
                self.wire_name(&member),
                place(shape, &member),
                member.required,
            )?;
        }
        let union = shape.union || self.source.overlay.unions.iter().any(|union| union == name);
        let error = if shape.exception { self.error_trait(name, shape)? } else { "None".to_owned() };
        let constant = names::constant(name);
        let text = format!(
            "pub(crate) static {constant}: Schema = Schema {{ name: {name:?}, members: &[\n{members}], union: {union}, \
             error: {error} }};\n\n"
        );
        statics.text.insert(format!("1 {constant}"), text);
        Ok(())
    }

    fn error_trait(&self, name: &str, shape: &Shape) -> Result<String> {
        let model = shape.error.as_ref();
        let overlay = self.source.overlay.errors.get(name);
        let code = overlay
            .and_then(|overlay| overlay.code.as_deref())
            .or(model.and_then(|error| error.code.as_deref()))
            .unwrap_or(name);
        let status = overlay
            .and_then(|overlay| overlay.status)
            .or(model.and_then(|error| error.http_status_code))
            .unwrap_or(if shape.fault { 500 } else { 400 });
        let sender = overlay
            .and_then(|overlay| overlay.sender)
            .or(model.and_then(|error| error.sender_fault))
            .unwrap_or(!shape.fault && status < 500);
        let query_message = overlay.and_then(|overlay| overlay.query_message.as_deref());
        Ok(format!(
            "Some(ErrorTrait {{ code: {code:?}, status: {status}, sender: {sender}, query_message: {query_message:?} }})"
        ))
    }

    fn wire_name(&self, member: &MemberView<'_>) -> String {
        // awsQuery names the elements of a flattened list, not the list.
        let flattened = member.reference.flattened || member.shape.flattened;
        if flattened
            && self.source.model.metadata.protocol == "query"
            && let Some(name) = member.shape.member.as_ref().and_then(|inner| inner.location_name.clone())
        {
            return name;
        }
        member.reference.location_name.clone().unwrap_or_else(|| member.name.to_owned())
    }

    fn member_target(&self, statics: &mut Statics, owner: &str, member: &MemberView<'_>) -> Result<String> {
        self.target(statics, &member.reference, self.is_unchecked(owner, member.name))
    }

    /// The static of a target; `unchecked` leaves its constraints to the handler.
    fn target(&self, statics: &mut Statics, reference: &ShapeRef, unchecked: bool) -> Result<String> {
        let name = &reference.shape;
        let shape = self.shape(name)?;
        let flattened = reference.flattened || shape.flattened;
        let format = reference.timestamp_format.as_ref().or(shape.timestamp_format.as_ref());
        let mut constant = format!("T_{}", names::constant(name));
        if reference.flattened {
            constant.push_str("_FLAT");
        }
        if let Some(format) = &reference.timestamp_format {
            write!(constant, "_{}", format.to_uppercase())?;
        }
        if unchecked {
            constant.push_str("_UNCHECKED");
        }
        let slot = format!("0 {constant}");
        if statics.text.contains_key(&slot) {
            return Ok(constant);
        }
        // Reserved first: a shape may contain itself.
        statics.text.insert(slot.clone(), String::new());
        let value = match shape.kind.as_str() {
            "string" | "character" => self.string_target(statics, name, shape, unchecked)?,
            "boolean" => "Target::Boolean".to_owned(),
            "integer" => format!("Target::Integer({})", self.range(name, shape, false)),
            "long" => format!("Target::Long({})", self.range(name, shape, false)),
            "float" => format!("Target::Float({})", self.range(name, shape, true)),
            "double" => format!("Target::Double({})", self.range(name, shape, true)),
            "blob" => format!("Target::Blob({})", self.length(name, shape, unchecked)),
            "timestamp" => format!("Target::Timestamp({})", timestamp_format(format)?),
            "structure" if shape.document => "Target::Document".to_owned(),
            "structure" if shape.eventstream => format!("Target::EventStream(&{})", names::constant(name)),
            "structure" => format!("Target::Struct(&{})", names::constant(name)),
            "list" => {
                let member = inner(&shape.member, name)?;
                let target = self.target(statics, member, unchecked)?;
                let query = self.source.overlay.query.get(name).map(|names| names.name.as_str());
                let member_name = query.or(member.location_name.as_deref()).unwrap_or("member");
                format!(
                    "Target::List(&ListShape {{ member: &{target}, member_name: {member_name:?}, \
                     flattened: {flattened}, length: {} }})",
                    self.length(name, shape, unchecked)
                )
            }
            "map" => {
                let (key, value) = (inner(&shape.key, name)?, inner(&shape.value, name)?);
                let query = self.source.overlay.query.get(name);
                let key_name = query.and_then(|names| names.key.as_deref()).or(key.location_name.as_deref());
                let value_name =
                    query.and_then(|names| names.value.as_deref()).or(value.location_name.as_deref());
                format!(
                    "Target::Map(&MapShape {{ key: &{}, value: &{}, entry_name: {:?}, key_name: {:?}, \
                     value_name: {:?}, flattened: {flattened}, length: {} }})",
                    self.target(statics, key, unchecked)?,
                    self.target(statics, value, unchecked)?,
                    query.map_or("entry", |names| names.name.as_str()),
                    key_name.unwrap_or("key"),
                    value_name.unwrap_or("value"),
                    self.length(name, shape, unchecked)
                )
            }
            other => anyhow::bail!("{name}: unknown type {other}"),
        };
        statics.text.insert(slot, format!("static {constant}: Target = {value};\n\n"));
        Ok(constant)
    }

    fn string_target(
        &self,
        statics: &mut Statics,
        name: &str,
        shape: &Shape,
        unchecked: bool,
    ) -> Result<String> {
        let pattern = match shape.pattern.as_deref().filter(|_| !unchecked) {
            // What matches everything need not be asked.
            None | Some(".*" | "[\\s\\S]*" | "(?s).*") => "None".to_owned(),
            Some(pattern) => format!("Some(&{})", self.pattern(statics, name, pattern)?),
        };
        let values = if unchecked { Vec::new() } else { self.values(name, shape) };
        Ok(format!(
            "Target::String(&StringShape {{ length: {}, pattern: {pattern}, values: &{values:?}, sensitive: {} }})",
            self.length(name, shape, unchecked),
            shape.sensitive
        ))
    }

    /// The static of a pattern, shared between equal texts.
    fn pattern(&self, statics: &mut Statics, name: &str, text: &str) -> Result<String> {
        if let Some(constant) = statics.patterns.get(text) {
            return Ok(constant.clone());
        }
        let source = self.source.overlay.patterns.get(text).map_or(text, String::as_str);
        let regex = pattern::translate(source).with_context(|| {
            format!("{}: the pattern of {name} needs an entry in the overlay", self.source.name)
        })?;
        let constant = format!("P_{}", names::constant(name));
        statics.patterns.insert(text.to_owned(), constant.clone());
        let text = format!("static {constant}: Pattern = Pattern::new({text:?}, {regex:?});\n\n");
        statics.text.insert(format!("0 {constant}"), text);
        Ok(constant)
    }

    fn range(&self, name: &str, shape: &Shape, float: bool) -> String {
        let show = |bound: Option<f64>| match bound {
            None => "None".to_owned(),
            Some(bound) if float => format!("Some({bound:?})"),
            Some(bound) => format!("Some({bound:.0})"),
        };
        let max = self.source.overlay.max.get(name).copied().or(shape.max);
        format!("Range {{ min: {}, max: {} }}", show(shape.min), show(max))
    }

    fn length(&self, name: &str, shape: &Shape, unchecked: bool) -> String {
        let max = self.source.overlay.max.get(name).copied().or(shape.max);
        // A least length of zero says nothing.
        let min = shape.min.filter(|min| *min > 0.0);
        if unchecked || (min.is_none() && max.is_none()) {
            return "Length::ANY".to_owned();
        }
        let show = |bound: Option<f64>| bound.map_or("None".to_owned(), |bound| format!("Some({bound:.0})"));
        format!("Length {{ min: {}, max: {} }}", show(min), show(max))
    }
}

/// Where a member is found.
fn place(owner: &Shape, member: &MemberView<'_>) -> &'static str {
    if member.reference.eventpayload {
        return "EventPayload";
    }
    if member.reference.eventheader {
        return "EventHeader";
    }
    if owner.payload.as_deref() == Some(member.name) && !member.shape.eventstream {
        return "Payload";
    }
    match member.reference.location.as_deref() {
        Some("uri") => "Label",
        Some("querystring") => "Query",
        Some("header") => "Header",
        Some("headers") => "PrefixHeaders",
        Some("statusCode") => "StatusCode",
        _ => "Body",
    }
}

fn timestamp_format(format: Option<&String>) -> Result<&'static str> {
    Ok(match format.map(String::as_str) {
        None => "None",
        Some("iso8601") => "Some(TimestampFormat::DateTime)",
        Some("rfc822") => "Some(TimestampFormat::HttpDate)",
        Some("unixTimestamp") => "Some(TimestampFormat::EpochSeconds)",
        Some(other) => anyhow::bail!("unknown timestamp format {other}"),
    })
}
