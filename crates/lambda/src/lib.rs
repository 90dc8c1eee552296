//! AWS Lambda: functions, their versions, aliases and layers, and the Invoke operations.
//!
//! [`Lambda`] implements the generated API trait; each operation has a file of its own in `operations`. State lies
//! in `tables`; what an invocation needs of it is kept in memory (`routes`), so that a warm invocation touches no
//! store. Asynchronous events are taken over and run in `events`; `delivery` keeps them. What is asked of event source
//! mappings is checked in `event_source_mapping`; `event-source` polls. Work that an answer does not wait for, such as
//! preparing new code, is in `background` and survives a restart. Running functions is the `invoker`'s business.

mod background;
mod concurrency;
mod errors;
mod event_source_mapping;
mod events;
mod figures;
mod function;
mod gauges;
mod invocation;
mod layers;
mod lineage;
mod links;
mod operations;
mod permission;
mod policy;
mod routes;
mod service;
mod story;
mod tables;
mod tags;
#[cfg(test)]
mod tests;

pub use links::PATH as CODE_PATH;
pub use service::{Lambda, LambdaParts};
