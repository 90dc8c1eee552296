//! Amazon SNS: topics, their subscriptions, and the delivery of what is published.
//!
//! A publication is acknowledged once everything that comes of it is on disk, in one commit: messages in queues, events
//! of functions, rows of what goes out over HTTP, and e-mails and text messages in the outbox.

mod service;

pub use service::{Sns, SnsParts};
