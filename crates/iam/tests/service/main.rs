//! The service through its typed traits.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod functions;
mod harness;
mod policies;
mod roles;
mod sessions;
mod tags;
