//! Records and their keys.

pub(crate) mod checkpoints;
pub(crate) mod mappings;
