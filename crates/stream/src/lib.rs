//! Durable streams of records: shards, sequence numbers, retention, resharding. Knows nothing of the AWS API.
//!
//! A stream has one owner: this process. Records are in the store; the newest of each shard are in memory as well, so
//! that whoever reads at the tip reads no disk. A record that was acknowledged is on disk, and readers never see one
//! that is not.
//!
//! What is written goes through one writer per stream (`write.rs`): requests that come while it commits go into its next
//! commit together, one row for all records of a shard. So the order in the store is the order in which readers see
//! records, and a split comes between two puts, never into one. When the outcome of a commit is unknown, all that is in
//! memory is given up and read again.
//!
//! Times of arrival are part of the sequence numbers. Retention runs on platform time and counts at once; what has
//! expired leaves the store later, in execution time.

mod bucket;
mod head;
mod loading;
mod position;
mod put;
mod read;
mod record;
mod removal;
mod reshard;
mod resharded;
mod retention;
mod room;
mod row;
mod rows;
mod sequence_number;
mod settings;
mod shard;
mod stream;
mod streams;
mod tail;
mod waiters;
mod write;

pub use position::Position;
pub use record::{NewRecord, Put, PutFailure, Read, ReadLimits, Record};
pub use reshard::starting_hash_keys;
pub use sequence_number::SequenceNumber;
pub use settings::{Settings, StreamError, StreamId};
pub use shard::{Shard, ShardId};
pub use stream::Stream;
pub use streams::Streams;
