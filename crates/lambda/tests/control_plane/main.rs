//! The control plane through the typed trait: layers, resource policies, tags and concurrency.
#![expect(clippy::unwrap_used, reason = "tests")]

mod harness;

mod account;
mod concurrency;
mod empty;
mod layers;
mod permissions;
mod provisioned;
mod tags;
