//! The server against clients that know HTTP, and against some that do not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod extensions;
mod hostile;
mod runtime;
mod telemetry;
