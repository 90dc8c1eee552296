//! Which records a mapping wants.

use event_pattern::PatternError;
use serde_json::{Map, Value};

/// The compiled filters of a mapping.
#[derive(Debug)]
pub(crate) struct Filter {
    wants_all: bool,
}

impl Filter {
    pub(crate) fn new(patterns: &[String]) -> Result<Self, PatternError> {
        Ok(Self { wants_all: patterns.is_empty() })
    }

    /// Whether there is no filter: then nothing has to be looked at.
    pub(crate) const fn wants_all(&self) -> bool {
        self.wants_all
    }

    /// Whether a record of a stream is wanted. `data` is what the producer put, decoded; `metadata` makes the other
    /// fields that a pattern may name (`partitionKey`, `eventName`, ...), and is called only when they matter.
    pub(crate) fn wants_record(&self, data: &[u8], metadata: impl FnOnce() -> Map<String, Value>) -> bool {
        let _ = (data, metadata);
        self.wants_all
    }
}
