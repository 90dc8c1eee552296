//! Amazon Kinesis Data Streams: streams, their shards, records and consumers.
//!
//! Owns what a stream is; its shards and records are kept by [`stream`]. Streams that are in use are known in memory, so
//! that putting and getting records reads no row of theirs.

mod background;
mod description;
mod directory;
mod errors;
mod operations;
mod port;
mod service;
mod stream_reference;
mod tables;
mod token;

pub use service::{Kinesis, KinesisParts};
