//! JSON, as awsJson and restJson1 write it.

mod reader;
mod writer;

pub(crate) use reader::JsonReader;
pub(crate) use writer::JsonWriter;
