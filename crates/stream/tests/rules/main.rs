//! What streams promise, rule by rule.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;
mod limits;
mod putting;
mod reading;
mod recovery;
mod removal;
mod resharding;
mod retention;
mod visibility;
