//! `types.rs`: plain structures and enumerations.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::Result;

use super::{Emitter, HEADER, MemberView};
use crate::model::Shape;
use crate::names;

impl Emitter<'_> {
    pub(super) fn types(&self) -> Result<String> {
        let mut body = String::new();
        for (name, shape) in self.reachable_of("structure")? {
            if !shape.document && !shape.eventstream {
                self.structure(&mut body, name, shape)?;
            } else if shape.eventstream {
                // The union of a stream's events.
                self.structure(&mut body, name, shape)?;
            }
        }
        for (name, shape) in self.reachable_of("string")? {
            if !shape.values.is_empty() {
                self.enumeration(&mut body, name, shape)?;
            }
        }
        let mut out = String::from(HEADER);
        if body.contains("BTreeMap<") {
            out.push_str("use std::collections::BTreeMap;\n\n");
        }
        let mut used = vec!["reflect"];
        for (word, marker) in [
            ("enumeration", "enumeration!"),
            // `Bytes = "Bytes"` is a value of an enumeration.
            ("Bytes", ": Bytes,"),
            ("Document", ": Document"),
            ("EventStream", "EventStream,"),
            ("Timestamp", ": Timestamp"),
        ] {
            if body.contains(marker) || body.contains(&format!("<{word}>")) {
                used.push(word);
            }
        }
        writeln!(out, "use wire::{{{}}};\n\nuse crate::schema;\n", used.join(", "))?;
        out.push_str(&body);
        Ok(out)
    }

    fn structure(&self, out: &mut String, name: &str, shape: &Shape) -> Result<()> {
        let type_name = names::type_name(name);
        // A stream cannot be copied or compared.
        let streams = shape
            .member_refs()
            .any(|(_, reference)| self.shape(&reference.shape).is_ok_and(|shape| shape.eventstream));
        let derives = if streams { "Debug, Default" } else { "Debug, Clone, Default, PartialEq" };
        writeln!(out, "#[derive({derives})]\npub struct {type_name} {{")?;
        let mut indices = String::new();
        let members = self.members(name, shape)?;
        for (index, member) in members.iter().enumerate() {
            let field = names::field(member.name);
            writeln!(out, "    pub {field}: {},", self.field_type(name, member)?)?;
            write!(indices, "{index} => {field}, ")?;
        }
        writeln!(out, "}}\n\nreflect!({type_name}, schema::{}, {{ {indices}}});\n", names::constant(name))?;
        if shape.exception {
            writeln!(
                out,
                "impl From<{type_name}> for wire::Error {{\n    fn from(error: {type_name}) -> Self {{\n        \
                 Self::Modelled(wire::Modelled(Box::new(error)))\n    }}\n}}\n"
            )?;
        }
        Ok(())
    }

    fn field_type(&self, owner: &str, member: &MemberView<'_>) -> Result<String> {
        let mut text = self.rust_type(&member.reference.shape)?;
        if self.contains_itself(owner, &member.reference.shape)? {
            text = format!("Box<{text}>");
        }
        let plain = member.required || member.shape.eventstream;
        Ok(if plain { text } else { format!("Option<{text}>") })
    }

    fn enumeration(&self, out: &mut String, name: &str, shape: &Shape) -> Result<()> {
        writeln!(out, "enumeration! {{\n    {} {{", names::type_name(name))?;
        let mut taken = BTreeSet::new();
        for value in self.values(name, shape) {
            let mut variant = names::variant(&value);
            while !taken.insert(variant.clone()) {
                variant.push('_');
            }
            writeln!(out, "        {variant} = {value:?},")?;
        }
        writeln!(out, "    }}\n}}\n")?;
        Ok(())
    }
}
