//! Work that no answer waits for.

pub(crate) mod collection;
pub(crate) mod preparation;
