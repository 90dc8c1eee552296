//! An event on its way.

use bytes::Bytes;
use clock::Timestamp;
use ids::{FunctionArn, RequestId};

/// An accepted event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The request id, the same through all attempts.
    pub id: RequestId,
    /// The function as it was addressed: its version is found when the event runs.
    pub function: FunctionArn,
    /// A JSON document.
    pub payload: Bytes,
    /// The `X-Amzn-Trace-Id` to hand on.
    pub trace_header: Option<String>,
    /// When it was accepted.
    pub accepted: Timestamp,
    /// How often the function has failed it.
    pub failures: u32,
}
