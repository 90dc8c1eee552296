//! The control plane through the typed trait: layers, resource policies, tags and concurrency.
#![expect(clippy::unwrap_used, reason = "tests")]

mod harness;
mod meddling;

mod account;
mod concurrency;
mod empty;
mod interleaved;
mod layers;
mod permissions;
mod provisioned;
mod tags;
