//! Records and their keys.

pub(crate) mod checkpoints;
