//! Amazon SQS: queues, their attributes and policies, and what goes in and out of them.
//!
//! Owns what a queue is; the messages are kept by [`queue`]. Queues that are in use are known in memory, so that sending
//! and receiving read no record.

mod service;

pub use service::{Sqs, SqsParts};
