//! What is stored of log groups, streams and events, and under which keys.
//!
//! Streams and events are keyed by their group's id, not its name: a group that is deleted and made again is another
//! one, and what is left of the old one can be removed in the background.

mod chunks;
mod groups;
mod streams;

pub(crate) use chunks::{CHUNK_SPAN_MS, CHUNKS, Chunk, read_position};
pub(crate) use groups::{
    EXPIRIES, Expiry, GARBAGE, GROUPS, Garbage, Group, add_bytes, bytes_key, stored_bytes,
};
pub(crate) use streams::{NO_EVENT_YET, RECENT, STREAMS, Stream};
