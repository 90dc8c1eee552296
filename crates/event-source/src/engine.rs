//! What all mappings share.

use crate::EventSourcesParts;

pub(crate) struct Engine {
    pub(crate) parts: EventSourcesParts,
}

impl Engine {
    pub(crate) const fn new(parts: EventSourcesParts) -> Self {
        Self { parts }
    }
}
