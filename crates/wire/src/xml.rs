//! XML, as awsQuery answers and restXml write it.

mod reader;
mod writer;

pub(crate) use reader::{Element, XmlReader};
pub(crate) use writer::XmlWriter;
