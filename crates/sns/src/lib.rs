//! Amazon SNS: topics, their subscriptions, and the delivery of what is published.
//!
//! A publication is acknowledged once everything that comes of it is on disk, in one commit: messages in queues, events
//! of functions, rows of what goes out over HTTP, and e-mails and text messages in the outbox. What is too large for one
//! commit is written down in it, and delivered in steps by the background.

mod background;
mod confirmation;
mod delivery_policy;
mod errors;
mod fan_out;
mod fifo;
mod hand_over;
mod http;
mod message;
mod notification;
mod operations;
mod outbox;
mod page;
mod publish;
mod service;
mod signing;
mod stories;
mod subscription;
mod tables;
mod topic;
mod topics;

pub use service::{Sns, SnsParts};
pub use signing::CERTIFICATE_PATH;
pub use tables::outbox::OutboxEntry;
