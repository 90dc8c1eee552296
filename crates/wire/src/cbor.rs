//! CBOR, for rpcv2Cbor and for awsJson's older binary form.

mod reader;
mod writer;

pub(crate) use reader::CborReader;
pub(crate) use writer::CborWriter;

use crate::Protocol;

/// What timestamps count. Both are under tag 1, which RFC 8949 defines as seconds; the older form has always had whole
/// milliseconds there (AWS SDK for Java: `SdkCborGenerator`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Epoch {
    Seconds,
    Millis,
}

impl Epoch {
    pub(crate) fn of(protocol: Protocol) -> Self {
        if protocol == Protocol::AwsCbor11 { Self::Millis } else { Self::Seconds }
    }
}
