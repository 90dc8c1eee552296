//! Zygotes.
