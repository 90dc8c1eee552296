//! One mapping in memory.

/// One mapping in memory.
#[derive(Debug)]
pub(crate) struct Slot {}
