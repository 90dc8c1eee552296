//! What works without being asked.

pub(crate) mod cleanup;
