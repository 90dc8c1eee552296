//! Amazon Kinesis Data Streams: streams, their shards, records and consumers.
//!
//! Owns what a stream is; its shards and records are kept by [`stream`]. Streams that are in use are known in memory, so
//! that putting and getting records reads no row of theirs.

mod account;
mod background;
mod consumer;
mod description;
mod directory;
mod errors;
mod iterator;
mod metrics;
mod monitoring;
mod operations;
mod port;
mod reads;
mod record;
mod resharding;
mod resource;
mod retention;
mod service;
mod shard;
mod start;
mod stream_reference;
mod tables;
mod tags;
mod token;

pub use service::{Kinesis, KinesisParts};
