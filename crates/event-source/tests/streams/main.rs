//! Mappings of streams, by their rules: each test tells one, in virtual time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod batches;
mod failures;
mod given_up;
mod lanes;
mod lives;
mod shards;
mod starts;
mod windows;
mod world;
