//! Typed values that lend out their fields, so that one interpreter serves all of them.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bytes::Bytes;
use clock::Timestamp;

use crate::{Document, EventStream, Schema};

/// A generated structure.
pub trait Struct: Send + Sync + Debug {
    /// What it is made of.
    fn schema(&self) -> &'static Schema;
    /// The member at `index` of the schema.
    fn field(&self, index: usize) -> Ref<'_>;
    /// The place of the member at `index`; an absent member becomes present, with its default value.
    fn field_mut(&mut self, index: usize) -> Mut<'_>;
}

/// A value to be read.
#[derive(Debug)]
pub enum Ref<'a> {
    /// Not there.
    Absent,
    /// Text, or a value of an enumeration.
    String(&'a str),
    /// True or false.
    Boolean(bool),
    /// 32 or 64 bits.
    Integer(i64),
    /// Floating point.
    Double(f64),
    /// Bytes.
    Blob(&'a Bytes),
    /// A moment.
    Timestamp(Timestamp),
    /// A sequence.
    List(&'a dyn List),
    /// Values by keys.
    Map(&'a dyn Map),
    /// A structure.
    Struct(&'a dyn Struct),
    /// Any JSON-like value.
    Document(&'a Document),
    /// A stream of events; it is taken through [`Mut::EventStream`].
    EventStream,
}

/// A place to be filled.
#[derive(Debug)]
pub enum Mut<'a> {
    /// Text.
    String(&'a mut String),
    /// A value of an enumeration.
    Enumeration(&'a mut dyn Enumeration),
    /// True or false.
    Boolean(&'a mut bool),
    /// 32 bits.
    Integer(&'a mut i32),
    /// 64 bits.
    Long(&'a mut i64),
    /// 32-bit floating point.
    Float(&'a mut f32),
    /// 64-bit floating point.
    Double(&'a mut f64),
    /// Bytes.
    Blob(&'a mut Bytes),
    /// A moment.
    Timestamp(&'a mut Timestamp),
    /// A sequence.
    List(&'a mut dyn List),
    /// Values by keys.
    Map(&'a mut dyn Map),
    /// A structure.
    Struct(&'a mut dyn Struct),
    /// Any JSON-like value.
    Document(&'a mut Document),
    /// A stream of events.
    EventStream(&'a mut EventStream),
}

/// Anything that can be a field.
pub trait Field {
    /// Lends the value out.
    fn get(&self) -> Ref<'_>;
    /// Lends the place out.
    fn slot(&mut self) -> Mut<'_>;
}

/// A generated enumeration. An unknown value is kept as it came.
pub trait Enumeration: Debug {
    /// The value on the wire.
    fn as_str(&self) -> &str;
    /// Takes over a value from the wire.
    fn set(&mut self, value: &str);
}

/// A sequence.
pub trait List: Debug {
    /// How many there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The element at `index`.
    fn item(&self, index: usize) -> Ref<'_>;
    /// Appends an element and lends its place out.
    fn push(&mut self) -> Mut<'_>;
}

/// Values by text keys, in the order of the keys.
pub trait Map: Debug {
    /// How many there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Calls `each` with every key and value.
    fn visit(&self, each: &mut dyn FnMut(&str, Ref<'_>));
    /// Adds a key and lends the place of its value out.
    fn entry(&mut self, key: String) -> Mut<'_>;
}

macro_rules! scalar_field {
    ($($type:ty: $get:ident($read:expr), $slot:ident;)*) => {$(
        impl Field for $type {
            fn get(&self) -> Ref<'_> {
                let read: fn(&Self) -> _ = $read;
                Ref::$get(read(self))
            }
            fn slot(&mut self) -> Mut<'_> {
                Mut::$slot(self)
            }
        }
    )*};
}

scalar_field! {
    bool: Boolean(|v| *v), Boolean;
    i32: Integer(|v| i64::from(*v)), Integer;
    i64: Integer(|v| *v), Long;
    f32: Double(|v| f64::from(*v)), Float;
    f64: Double(|v| *v), Double;
    Timestamp: Timestamp(|v| *v), Timestamp;
}

impl Field for String {
    fn get(&self) -> Ref<'_> {
        Ref::String(self)
    }
    fn slot(&mut self) -> Mut<'_> {
        Mut::String(self)
    }
}

impl Field for Bytes {
    fn get(&self) -> Ref<'_> {
        Ref::Blob(self)
    }
    fn slot(&mut self) -> Mut<'_> {
        Mut::Blob(self)
    }
}

impl Field for Document {
    fn get(&self) -> Ref<'_> {
        Ref::Document(self)
    }
    fn slot(&mut self) -> Mut<'_> {
        Mut::Document(self)
    }
}

impl Field for EventStream {
    fn get(&self) -> Ref<'_> {
        Ref::EventStream
    }
    fn slot(&mut self) -> Mut<'_> {
        Mut::EventStream(self)
    }
}

impl<T: Field + Default> Field for Option<T> {
    fn get(&self) -> Ref<'_> {
        self.as_ref().map_or(Ref::Absent, Field::get)
    }
    fn slot(&mut self) -> Mut<'_> {
        self.get_or_insert_default().slot()
    }
}

impl<T: Field> Field for Box<T> {
    fn get(&self) -> Ref<'_> {
        (**self).get()
    }
    fn slot(&mut self) -> Mut<'_> {
        (**self).slot()
    }
}

impl<T: Field + Default + Debug> List for Vec<T> {
    fn len(&self) -> usize {
        Vec::len(self)
    }
    fn item(&self, index: usize) -> Ref<'_> {
        self.as_slice().get(index).map_or(Ref::Absent, Field::get)
    }
    fn push(&mut self) -> Mut<'_> {
        Vec::push(self, T::default());
        match self.last_mut() {
            Some(last) => last.slot(),
            None => unreachable!("an element was pushed just now"),
        }
    }
}

impl<T: Field + Default + Debug> Field for Vec<T> {
    fn get(&self) -> Ref<'_> {
        Ref::List(self)
    }
    fn slot(&mut self) -> Mut<'_> {
        Mut::List(self)
    }
}

impl<T: Field + Default + Debug> Map for BTreeMap<String, T> {
    fn len(&self) -> usize {
        BTreeMap::len(self)
    }
    fn visit(&self, each: &mut dyn FnMut(&str, Ref<'_>)) {
        for (key, value) in self {
            each(key, value.get());
        }
    }
    fn entry(&mut self, key: String) -> Mut<'_> {
        BTreeMap::entry(self, key).or_default().slot()
    }
}

impl<T: Field + Default + Debug> Field for BTreeMap<String, T> {
    fn get(&self) -> Ref<'_> {
        Ref::Map(self)
    }
    fn slot(&mut self) -> Mut<'_> {
        Mut::Map(self)
    }
}

/// Implements [`Struct`] and [`Field`] for a generated structure: its fields by index of the schema's members.
#[macro_export]
macro_rules! reflect {
    ($name:ident, $schema:path, { $($index:literal => $field:ident),* $(,)? }) => {
        impl $crate::Struct for $name {
            fn schema(&self) -> &'static $crate::Schema {
                &$schema
            }
            #[expect(clippy::match_single_binding, reason = "a structure may have no members")]
            fn field(&self, index: usize) -> $crate::Ref<'_> {
                match index {
                    $($index => $crate::Field::get(&self.$field),)*
                    _ => $crate::Ref::Absent,
                }
            }
            #[expect(clippy::match_single_binding, reason = "a structure may have no members")]
            fn field_mut(&mut self, index: usize) -> $crate::Mut<'_> {
                match index {
                    $($index => $crate::Field::slot(&mut self.$field),)*
                    _ => unreachable!("the schema has no member {index}"),
                }
            }
        }
        impl $crate::Field for $name {
            fn get(&self) -> $crate::Ref<'_> {
                $crate::Ref::Struct(self)
            }
            fn slot(&mut self) -> $crate::Mut<'_> {
                $crate::Mut::Struct(self)
            }
        }
    };
}

/// Declares an enumeration of the model; a value that is not in it is kept as it came.
#[macro_export]
macro_rules! enumeration {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $value:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $value, "`")] $variant,)+
            /// A value that the model does not have.
            Unknown(String),
        }

        impl $name {
            /// All values of the model, in its order.
            pub const VALUES: &'static [&'static str] = &[$($value),+];

            /// The value on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)+
                    Self::Unknown(value) => value,
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Unknown(String::new())
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $($value => Self::$variant,)+
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }

        impl $crate::Enumeration for $name {
            fn as_str(&self) -> &str {
                $name::as_str(self)
            }
            fn set(&mut self, value: &str) {
                *self = Self::from(value);
            }
        }

        impl $crate::Field for $name {
            fn get(&self) -> $crate::Ref<'_> {
                $crate::Ref::String($name::as_str(self))
            }
            fn slot(&mut self) -> $crate::Mut<'_> {
                $crate::Mut::Enumeration(self)
            }
        }
    };
}
