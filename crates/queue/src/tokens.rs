//! What is remembered for five minutes, so that it is done once: sends to a FIFO queue, and receives from it.
//!
//! Tokens lie in windows of five minutes: what is remembered is in the present window or the one before, and older
//! ones are removed by the range.

use std::time::Duration;

use clock::Timestamp;
use store::{Bytes, CommitError, Mutation, Snapshot, StoreError, Transaction, prefix_end};

use crate::QueueError;
use crate::entry::Fields;
use crate::queue::Queue;
use crate::rows::Rows;

/// The deduplication interval (Amazon SQS developer guide, "Exactly-once processing").
pub(crate) const REMEMBERED: Duration = Duration::from_secs(5 * 60);
/// Tokens removed in one commit.
const PAGE: usize = 512;
/// Old tokens are looked for each time so many have been written.
pub(crate) const TRIM_EVERY: u64 = 128;

fn window(at: Timestamp) -> u64 {
    let length_secs = i64::try_from(REMEMBERED.as_secs()).unwrap_or(i64::MAX);
    u64::try_from(at.as_secs().div_euclid(length_secs)).unwrap_or(0)
}

/// What was accepted under this token within the last five minutes: when, and what was written then.
pub(crate) async fn find(
    snapshot: &dyn Snapshot,
    rows: &Rows,
    hash: &[u8; 16],
    now: Timestamp,
) -> Result<Option<(Timestamp, Bytes)>, StoreError> {
    let present = window(now);
    for window in [present, present.saturating_sub(1)] {
        let Some(stored) = snapshot.get(&rows.token(window, hash)).await? else { continue };
        let mut fields = Fields::new(&stored.value)?;
        let at = fields.timestamp()?;
        if at + REMEMBERED > now {
            return Ok(Some((at, Bytes::copy_from_slice(fields.rest()))));
        }
    }
    Ok(None)
}

/// Adds: remember `what` under this token.
pub(crate) fn put(mutations: &mut Vec<Mutation>, rows: &Rows, hash: &[u8; 16], now: Timestamp, what: &[u8]) {
    let mut value = Fields::start();
    value.extend_from_slice(&now.as_micros().to_be_bytes());
    value.extend_from_slice(what);
    mutations.push(Mutation::Put(rows.token(window(now), hash), value.into()));
}

impl Queue {
    /// Removes tokens that are too old to matter.
    pub(crate) async fn trim_tokens(&self) -> Result<(), QueueError> {
        let rows = self.rows();
        let end = rows.token_window(window(self.platform().clock.now()).saturating_sub(1));
        loop {
            let snapshot = self.platform().store.snapshot().await?;
            let old = snapshot.range(&rows.tokens, &end, PAGE, false).await?;
            let Some(last) = old.last() else { return Ok(()) };
            let range = Mutation::DeleteRange(old[0].key.clone(), prefix_end(&last.key));
            match self.platform().store.commit(Transaction::new().mutate(range)).await {
                // Doing it again does no harm.
                Ok(_) | Err(CommitError::Unknown(_)) if old.len() == PAGE => {}
                result => return result.map(drop).map_err(QueueError::from),
            }
        }
    }
}
