//! What a shape is made of, as static data. Schemas are generated from the API models.

use crate::Pattern;

/// A structure.
#[derive(Debug)]
pub struct Schema {
    /// The shape's name in the model.
    pub name: &'static str,
    /// Its members in model order, at most 128.
    pub members: &'static [Member],
    /// Exactly one member may be present.
    pub union: bool,
    /// Set when the structure is an exception.
    pub error: Option<ErrorTrait>,
}

impl Schema {
    /// The member that is the HTTP payload by itself, and its index.
    #[must_use]
    pub fn payload(&self) -> Option<(usize, &'static Member)> {
        self.members.iter().enumerate().find(|(_, member)| matches!(member.at, At::Payload))
    }

    /// The member that is an event stream, and its index.
    #[must_use]
    pub fn event_stream(&self) -> Option<(usize, &'static Member)> {
        self.members.iter().enumerate().find(|(_, member)| matches!(member.target, Target::EventStream(_)))
    }
}

/// What an exception means on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorTrait {
    /// The error code, where it differs from the shape's name (awsQuery).
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Whether the sender is to blame.
    pub sender: bool,
    /// What awsQuery says whatever the message is, where it has words of its own.
    pub query_message: Option<&'static str>,
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Its name in the model; validation messages show it with the first letter in lower case.
    pub name: &'static str,
    /// Its name on the wire.
    pub wire: &'static str,
    /// Where it is found.
    pub at: At,
    /// Whether it must be there.
    pub required: bool,
    /// What it holds.
    pub target: &'static Target,
}

impl Member {
    /// Its name in awsQuery, which calls a flattened list or map as its elements are called, where these have a name.
    pub(crate) fn query_name(&self) -> &'static str {
        match self.target {
            Target::List(shape) if shape.flattened && shape.member_name != "member" => shape.member_name,
            Target::Map(shape) if shape.flattened && shape.entry_name != "entry" => shape.entry_name,
            _ => self.wire,
        }
    }
}

/// Where a member is found in an HTTP message. Protocols without HTTP bindings take everything from the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// A part of the body.
    Body,
    /// The body itself.
    Payload,
    /// A label of the path.
    Label,
    /// A query parameter.
    Query,
    /// A header.
    Header,
    /// All headers that begin with the wire name.
    PrefixHeaders,
    /// The response's status.
    StatusCode,
    /// The payload of an event-stream frame.
    EventPayload,
    /// A header of an event-stream frame.
    EventHeader,
}

/// What a value is.
#[derive(Debug)]
pub enum Target {
    /// Text, perhaps out of a set.
    String(&'static StringShape),
    /// True or false.
    Boolean,
    /// 32 bits.
    Integer(Range<i64>),
    /// 64 bits.
    Long(Range<i64>),
    /// 32-bit floating point.
    Float(Range<f64>),
    /// 64-bit floating point.
    Double(Range<f64>),
    /// Bytes.
    Blob(Length),
    /// A moment; `None` means the protocol's own form for the place where it stands.
    Timestamp(Option<TimestampFormat>),
    /// A sequence.
    List(&'static ListShape),
    /// Values by text keys.
    Map(&'static MapShape),
    /// A structure.
    Struct(&'static Schema),
    /// Any JSON-like value.
    Document,
    /// A stream of events, each a member of this union.
    EventStream(&'static Schema),
}

/// Bounds of a number, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range<T> {
    /// The least.
    pub min: Option<T>,
    /// The greatest.
    pub max: Option<T>,
}

/// Bounds of a length, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// The least.
    pub min: Option<usize>,
    /// The greatest.
    pub max: Option<usize>,
}

impl Length {
    /// No bounds.
    pub const ANY: Self = Self { min: None, max: None };
}

/// Text and what may be in it.
#[derive(Debug)]
pub struct StringShape {
    /// In characters.
    pub length: Length,
    /// It must match as a whole.
    pub pattern: Option<&'static Pattern>,
    /// It must be one of these, unless the set is empty.
    pub values: &'static [&'static str],
    /// Never shown in messages.
    pub sensitive: bool,
}

/// A list and how it is written.
#[derive(Debug)]
pub struct ListShape {
    /// What it holds.
    pub member: &'static Target,
    /// The name of an element (awsQuery, XML); `member` unless the model says otherwise.
    pub member_name: &'static str,
    /// Without an element around it (awsQuery, XML).
    pub flattened: bool,
    /// How many.
    pub length: Length,
}

/// A map and how it is written.
#[derive(Debug)]
pub struct MapShape {
    /// Its keys.
    pub key: &'static Target,
    /// Its values.
    pub value: &'static Target,
    /// The name of an entry (awsQuery, XML); `entry` unless the model says otherwise.
    pub entry_name: &'static str,
    /// The name of a key's element (awsQuery, XML).
    pub key_name: &'static str,
    /// The name of a value's element (awsQuery, XML).
    pub value_name: &'static str,
    /// Without an element around it (awsQuery, XML).
    pub flattened: bool,
    /// How many.
    pub length: Length,
}

/// How a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    /// A number of seconds.
    EpochSeconds,
    /// RFC 3339, in UTC.
    DateTime,
    /// As HTTP headers have it.
    HttpDate,
}
