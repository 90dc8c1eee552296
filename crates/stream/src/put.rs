//! Putting records.

use clock::Hold;
use md5::{Digest, Md5};
use store::CommitError;
use tokio::sync::oneshot;

use crate::row::encoded_bytes;
use crate::stream::Stream;
use crate::write::Request;
use crate::{NewRecord, Put, PutFailure, StreamError};

/// What became of records that were to be put.
pub(crate) type PutResults = Result<Vec<Result<Put, PutFailure>>, StreamError>;

/// Records to be put.
#[derive(Debug)]
pub(crate) struct PutRequest {
    /// With their hash keys.
    pub(crate) records: Vec<(u128, NewRecord)>,
    pub(crate) bytes: usize,
    pub(crate) answer: oneshot::Sender<PutResults>,
    pub(crate) hold: Hold,
}

impl Stream {
    /// Puts records; each is accepted or not by itself, in order. All that are accepted are put, whether or not the
    /// caller waits for it.
    ///
    /// # Errors
    /// When nothing could be put: the store failed, or the stream was removed.
    pub async fn put(&self, records: Vec<NewRecord>) -> Result<Vec<Result<Put, PutFailure>>, StreamError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let hold = self.platform().clock.hold();
        let bytes = records.iter().map(encoded_bytes).sum();
        let records = records.into_iter().map(|record| (hash_key(&record), record)).collect();
        let (answer, answered) = oneshot::channel();
        self.enqueue(Request::Put(PutRequest { records, bytes, answer, hold: hold.clone() }));
        answered.await.unwrap_or_else(|_| Err(lost()))
    }
}

/// Whoever writes has gone: the runtime ends.
pub(crate) fn lost() -> StreamError {
    CommitError::Unknown("the writer has ended".to_owned()).into()
}

/// "An MD5 hash function is used to map partition keys to 128-bit integer values" (`PutRecord`, Amazon Kinesis Data
/// Streams Service API Reference).
fn hash_key(record: &NewRecord) -> u128 {
    let hashed = || u128::from_be_bytes(Md5::digest(record.partition_key.as_bytes()).into());
    record.explicit_hash_key.unwrap_or_else(hashed)
}
