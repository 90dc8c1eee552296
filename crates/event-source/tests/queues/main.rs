//! Each rule of mappings, and of those of queues, by itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod batches;
mod failures;
mod fifo;
mod lives;
mod mappings;
mod scaling;
mod world;
