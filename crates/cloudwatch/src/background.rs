//! What works without being asked. All of it runs on real time: virtual time is not to stop for it.

pub(crate) mod aging;
pub(crate) mod sampling;
pub(crate) mod writing;
