//! Amazon Kinesis Data Streams through its typed trait, over a store in memory and a clock that is told the time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod consumers;
mod durable;
mod ports;
mod reading;
mod records;
mod settings;
mod shards;
mod streams;
mod subscriptions;
mod tags_and_policies;
mod world;
