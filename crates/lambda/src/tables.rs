//! What Lambda stores: one file for each thing, with its keys and its records.

pub(crate) mod function;
pub(crate) mod package_use;
pub(crate) mod unfinished;
