//! Records and their keys.

mod consumer;
mod stream;

pub(crate) use consumer::{CONSUMERS, ConsumerChange, ConsumerKey, ConsumerRecord};
pub(crate) use stream::{Change, Mode, STREAMS, StreamKey, StreamRecord};
