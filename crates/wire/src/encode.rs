//! Encoding, over any [`Writer`].

use bytes::Bytes;
use clock::Timestamp;

use crate::{At, Document, ListShape, MapShape, Member, Ref, Struct, Target, TimestampFormat};

/// Writes values of a format.
pub(crate) trait Writer {
    fn string(&mut self, value: &str);
    fn boolean(&mut self, value: bool);
    fn integer(&mut self, value: i64);
    fn double(&mut self, value: f64);
    fn blob(&mut self, value: &Bytes);
    fn timestamp(&mut self, value: Timestamp, format: Option<TimestampFormat>);
    fn document(&mut self, value: &Document);
    fn begin_struct(&mut self);
    /// Comes before each member's value.
    fn member(&mut self, member: &Member);
    fn end_struct(&mut self);
    fn begin_list(&mut self, shape: &ListShape);
    /// Comes before each element.
    fn item(&mut self);
    fn end_list(&mut self);
    fn begin_map(&mut self, shape: &MapShape);
    /// Comes before each value.
    fn key(&mut self, key: &str);
    /// Comes after each value.
    fn end_value(&mut self);
    fn end_map(&mut self);
}

/// Writes a structure with those members that `keep` asks for.
pub(crate) fn write_struct<W: Writer>(writer: &mut W, value: &dyn Struct, keep: fn(At) -> bool) {
    writer.begin_struct();
    write_members(writer, value, keep);
    writer.end_struct();
}

/// Writes the members alone, for a writer that has begun the structure itself.
pub(crate) fn write_members<W: Writer>(writer: &mut W, value: &dyn Struct, keep: fn(At) -> bool) {
    for (index, member) in value.schema().members.iter().enumerate() {
        if !keep(member.at) {
            continue;
        }
        match value.field(index) {
            Ref::Absent | Ref::EventStream => {}
            present => {
                writer.member(member);
                write_value(writer, member.target, &present);
            }
        }
    }
}

/// Writes one value.
pub(crate) fn write_value<W: Writer>(writer: &mut W, target: &Target, value: &Ref<'_>) {
    match (value, target) {
        (Ref::String(value), _) => writer.string(value),
        (Ref::Boolean(value), _) => writer.boolean(*value),
        (Ref::Integer(value), _) => writer.integer(*value),
        (Ref::Double(value), _) => writer.double(*value),
        (Ref::Blob(value), _) => writer.blob(value),
        (Ref::Timestamp(value), Target::Timestamp(format)) => writer.timestamp(*value, *format),
        (Ref::Timestamp(value), _) => writer.timestamp(*value, None),
        (Ref::Document(value), _) => writer.document(value),
        (Ref::Struct(value), _) => write_struct(writer, *value, |_| true),
        (Ref::List(list), Target::List(shape)) => {
            writer.begin_list(shape);
            for index in 0..list.len() {
                writer.item();
                write_value(writer, shape.member, &list.item(index));
            }
            writer.end_list();
        }
        (Ref::Map(map), Target::Map(shape)) => {
            writer.begin_map(shape);
            map.visit(&mut |key, value| {
                writer.key(key);
                write_value(writer, shape.value, &value);
                writer.end_value();
            });
            writer.end_map();
        }
        // An absent value is left out by the caller; a list or map stands only where the schema says so.
        (Ref::Absent | Ref::EventStream | Ref::List(_) | Ref::Map(_), _) => {}
    }
}
