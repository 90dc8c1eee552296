//! CBOR (RFC 8949), as rpcv2Cbor writes it.

mod reader;
mod writer;

pub(crate) use reader::CborReader;
pub(crate) use writer::CborWriter;
