//! Real functions in real processes: Python under the plain-process sandbox.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod failures;
mod harness;
mod invocations;
mod limits;
