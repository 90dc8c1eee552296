//! The service from the outside, through its typed trait, over a store in memory and functions that really run.

mod aliases;
mod errors;
mod event_configs;
mod events;
mod figures;
mod functions;
pub(crate) mod harness;
mod invocations;
mod mapped_functions;
pub(crate) mod mapping_requests;
mod mappings;
pub(crate) mod ports;
pub(crate) mod sources;
mod states;
mod versions;
mod wire_form;
