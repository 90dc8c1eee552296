//! What nobody waits for.

pub(crate) mod move_tasks;
