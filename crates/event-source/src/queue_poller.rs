//! Polls queues.
