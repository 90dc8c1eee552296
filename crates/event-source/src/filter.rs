//! Which records a mapping wants.
