//! What nobody waits for.

pub(crate) mod changes;
