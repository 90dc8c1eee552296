//! Each rule of a queue by itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod fifo;
mod giving;
mod harness;
mod polling;
mod recovery;
mod redrive;
mod removal;
mod standard;
mod waiting;
