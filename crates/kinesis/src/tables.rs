//! Records and their keys.

mod stream;

pub(crate) use stream::{Change, Mode, STREAMS, StreamKey, StreamRecord};
