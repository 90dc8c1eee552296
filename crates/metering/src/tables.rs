//! What is stored.

pub(crate) mod usage;
