//! Decoding and validation in one pass, over any [`Reader`].

use std::borrow::Cow;

use bytes::Bytes;
use clock::Timestamp;

use crate::validate::{Step, Violations, is_fit, is_sensitive, is_told_together, shown};
use crate::{
    At, Document, Length, ListShape, MapShape, Member, Mut, Ref, Schema, Struct, Target, TimestampFormat,
};

/// How deep an input may nest. DynamoDB documents go deepest: 32 levels of two frames each.
pub(crate) const DEPTH_MAX: usize = 128;

/// The body is not what the protocol and the shape ask for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not well-formed, or of the wrong type: `SerializationException`.
    #[error("{0}")]
    Serialization(String),
    /// Well-formed, but breaks constraints.
    #[error("{0}")]
    Validation(String),
}

impl DecodeError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Serialization(message.into())
    }

    /// `STRING_VALUE can not be converted to an Integer`, as AWS's Java services say it.
    pub(crate) fn mismatch(found: &str, wanted: &str) -> Self {
        let article = if wanted.starts_with(['I', 'A', 'E', 'O', 'U']) { "an" } else { "a" };
        Self::Serialization(format!("{found} can not be converted to {article} {wanted}"))
    }
}

pub(crate) type Result<T> = std::result::Result<T, DecodeError>;

/// Reads one value of a format. A reader counts its own nesting and refuses more than [`DEPTH_MAX`].
pub(crate) trait Reader {
    /// What a member is called in this format.
    fn name(member: &'static Member) -> &'static str {
        member.wire
    }
    /// Takes a null, if there is one.
    fn null(&mut self) -> Result<bool>;
    fn string(&mut self) -> Result<Cow<'_, str>>;
    fn boolean(&mut self) -> Result<bool>;
    fn integer(&mut self) -> Result<i64>;
    fn double(&mut self) -> Result<f64>;
    fn blob(&mut self) -> Result<Bytes>;
    fn timestamp(&mut self, format: Option<TimestampFormat>) -> Result<Timestamp>;
    fn document(&mut self) -> Result<Document>;
    /// Calls `each` with every key; `each` reads the value or returns `false` to have it skipped.
    fn structure(&mut self, each: &mut dyn FnMut(&mut Self, &str) -> Result<bool>) -> Result<()>;
    /// Calls `each` for every element.
    fn list(&mut self, shape: &ListShape, each: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()>;
    /// Calls `each` for every key.
    fn map(&mut self, shape: &MapShape, each: &mut dyn FnMut(&mut Self, String) -> Result<()>) -> Result<()>;
}

/// Which members of a structure have been seen.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Presence(u128);

impl Presence {
    pub(crate) fn mark(&mut self, index: usize) {
        self.0 |= 1 << index;
    }

    pub(crate) fn has(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }

    fn count(self) -> u32 {
        self.0.count_ones()
    }
}

/// Reads the members of `into` that stand in the body. `bound` tells which members are found elsewhere.
pub(crate) fn read_members<R: Reader>(
    reader: &mut R,
    into: &mut dyn Struct,
    presence: &mut Presence,
    violations: &mut Violations,
    bound: fn(At) -> bool,
) -> Result<()> {
    let members = into.schema().members;
    let mut expected = 0;
    reader.structure(&mut |reader, key| {
        // Clients write members in model order more often than not, so look there first.
        let index = match members.get(expected) {
            Some(member) if R::name(member) == key => expected,
            _ => match members.iter().position(|member| R::name(member) == key) {
                Some(index) => index,
                None => return Ok(false),
            },
        };
        expected = index + 1;
        let member: &'static Member = &members[index];
        if bound(member.at) {
            return Ok(false);
        }
        if reader.null()? {
            return Ok(true);
        }
        presence.mark(index);
        violations.enter(Step::Member(member));
        let result = read_value(reader, member.target, into.field_mut(index), violations);
        violations.leave();
        result.map(|()| true)
    })
}

/// What must hold of a structure once all its members are read.
pub(crate) fn finish_struct(
    schema: &'static Schema,
    presence: Presence,
    violations: &mut Violations,
) -> Result<()> {
    for (index, member) in schema.members.iter().enumerate() {
        if member.required && !presence.has(index) {
            violations.missing(member);
        }
    }
    if schema.union && presence.count() != 1 {
        return Err(DecodeError::new(format!(
            "Exactly one member of the union {} must be set; {} are.",
            schema.name,
            presence.count()
        )));
    }
    Ok(())
}

fn read_struct<R: Reader>(reader: &mut R, into: &mut dyn Struct, violations: &mut Violations) -> Result<()> {
    let mut presence = Presence::default();
    read_members(reader, into, &mut presence, violations, |_| false)?;
    finish_struct(into.schema(), presence, violations)
}

/// Reads one value into its place and checks it.
pub(crate) fn read_value<R: Reader>(
    reader: &mut R,
    target: &Target,
    slot: Mut<'_>,
    violations: &mut Violations,
) -> Result<()> {
    match (target, slot) {
        (Target::String(shape), Mut::String(place)) => {
            *place = reader.string()?.into_owned();
            violations.check_string(shape, place);
        }
        (Target::String(shape), Mut::Enumeration(place)) => {
            place.set(&reader.string()?);
            violations.check_string(shape, place.as_str());
        }
        (Target::Boolean, Mut::Boolean(place)) => *place = reader.boolean()?,
        (Target::Integer(range), Mut::Integer(place)) => {
            let value = reader.integer()?;
            violations.check_range(*range, value);
            *place = i32::try_from(value).map_err(|_| DecodeError::mismatch("NUMBER_VALUE", "Integer"))?;
        }
        (Target::Long(range), Mut::Long(place)) => {
            *place = reader.integer()?;
            violations.check_range(*range, *place);
        }
        (Target::Double(range), Mut::Double(place)) => {
            *place = reader.double()?;
            violations.check_range(*range, *place);
        }
        #[expect(clippy::cast_possible_truncation, reason = "the model asks for single precision")]
        (Target::Float(range), Mut::Float(place)) => {
            let value = reader.double()?;
            violations.check_range(*range, value);
            *place = value as f32;
        }
        (Target::Blob(length), Mut::Blob(place)) => {
            *place = reader.blob()?;
            violations.check_length(*length, || place.len(), || shown(&Ref::Blob(place)));
        }
        (Target::Timestamp(format), Mut::Timestamp(place)) => *place = reader.timestamp(*format)?,
        (Target::Document, Mut::Document(place)) => *place = reader.document()?,
        (Target::Struct(_), Mut::Struct(place)) => read_struct(reader, place, violations)?,
        (Target::List(shape), Mut::List(place)) => read_list(reader, shape, place, violations)?,
        (Target::Map(shape), Mut::Map(place)) => read_map(reader, shape, place, violations)?,
        _ => return Err(DecodeError::new("The model and the type of a member differ.")),
    }
    Ok(())
}

fn read_list<R: Reader>(
    reader: &mut R,
    shape: &ListShape,
    into: &mut dyn crate::List,
    violations: &mut Violations,
) -> Result<()> {
    let before = violations.count();
    let mut has_null = false;
    reader.list(shape, &mut |reader| {
        violations.enter(Step::Item(into.len()));
        let result = if reader.null()? {
            has_null = true;
            violations.null();
            Ok(())
        } else {
            read_value(reader, shape.member, into.push(), violations)
        };
        violations.leave();
        result
    })?;
    let list = Ref::List(into);
    if is_told_together(shape.member) && !has_null {
        let value = if is_sensitive(shape.member) { String::new() } else { shown(&list) };
        violations.gather(before, "Member", shape.member, &value);
    }
    check_count(violations, shape.length, &list, into.len());
    Ok(())
}

fn read_map<R: Reader>(
    reader: &mut R,
    shape: &MapShape,
    into: &mut dyn crate::Map,
    violations: &mut Violations,
) -> Result<()> {
    let before = violations.count();
    let (mut has_null, mut has_unfit_key) = (false, false);
    reader.map(shape, &mut |reader, key| {
        has_unfit_key |= !is_fit(shape.key, &key);
        violations.enter(Step::Key(key.clone()));
        let result = if reader.null()? {
            has_null = true;
            violations.null();
            Ok(())
        } else {
            read_value(reader, shape.value, into.entry(key), violations)
        };
        violations.leave();
        result
    })?;
    let map = Ref::Map(into);
    let is_secret = is_sensitive(shape.key) || is_sensitive(shape.value);
    let value = || if is_secret { String::new() } else { shown(&map) };
    if is_told_together(shape.value) && !has_null {
        violations.gather(before, "Map value", shape.value, &value());
    }
    if has_unfit_key {
        violations.report_all("Map keys", shape.key, &value());
    }
    check_count(violations, shape.length, &map, into.len());
    Ok(())
}

fn check_count(violations: &mut Violations, length: Length, value: &Ref<'_>, count: usize) {
    violations.check_length(length, || count, || shown(value));
}
