//! The bootstraps under real interpreters, against a Runtime API of this test's own.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
#![expect(clippy::print_stderr, reason = "a test that cannot run says so")]

#[path = "bootstraps/fixture.rs"]
mod fixture;
#[path = "bootstraps/node.rs"]
mod node;
#[path = "bootstraps/python.rs"]
mod python;
