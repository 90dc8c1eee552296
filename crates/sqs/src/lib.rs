//! Amazon SQS: queues, their attributes and policies, and what goes in and out of them.
//!
//! Owns what a queue is; the messages are kept by [`queue`]. Queues that are in use are known in memory, so that sending
//! and receiving read no record.

mod agenda;
mod attributes;
mod background;
mod batch;
mod dead_letter;
mod directory;
mod errors;
mod message;
mod metrics;
mod operations;
mod page;
mod policy;
mod port;
mod queue_arn;
mod queue_url;
mod service;
mod tables;
mod tags;
mod task_handle;

pub use service::{Sqs, SqsParts};
