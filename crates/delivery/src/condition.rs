//! How an event ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The `condition` of a destination's record, and of the end of an event's story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Condition {
    Success,
    RetriesExhausted,
    EventAgeExceeded,
    ZeroReservedConcurrency,
    /// AWS documents that the event goes to the dead-letter queue or on-failure destination, but not the record's
    /// condition: this is the name of the error that other callers get.
    #[serde(rename = "RecursiveInvocationException")]
    RecursiveInvocation,
    /// Nobody is left who could say where a record should go.
    #[serde(rename = "FunctionNotFound")]
    FunctionGone,
}

impl Condition {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
            Self::ZeroReservedConcurrency => "ZeroReservedConcurrency",
            Self::RecursiveInvocation => "RecursiveInvocationException",
            Self::FunctionGone => "FunctionNotFound",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
