//! Real functions in real processes: Python under the plain-process sandbox.

mod failures;
mod harness;
mod invocations;
mod limits;
