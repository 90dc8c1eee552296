//! Polls streams.
