//! What Lambda stores: one file for each thing, with its keys and its records.

pub(crate) mod alias;
pub(crate) mod concurrency;
pub(crate) mod event_config;
pub(crate) mod function;
pub(crate) mod layer;
pub(crate) mod mapping_tags;
pub(crate) mod package_use;
pub(crate) mod policy;
pub(crate) mod unfinished;
