//! Records that are older than the retention period. Nobody can read them; here they leave the store.

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use clock::{Timestamp, execution_sleep};
use store::{Bytes, Mutation, Transaction};
use targets::Prepared;

use crate::row::parts_of;
use crate::rows::next_key;
use crate::stream::Stream;
use crate::streams::Open;
use crate::{SequenceNumber, ShardId, StreamError, Streams};

/// How long, of execution time, expired records may stay in the store.
const TRIM_PAUSE: Duration = Duration::from_secs(60);
/// Rows removed in one commit.
const ROWS: usize = 64;
/// Parts removed in one commit, about.
const PARTS: usize = 512;

/// Trims all open streams now and then, as long as there are any to open.
pub(crate) fn keep_trimming(streams: &Streams) -> impl Future<Output = ()> + Send + use<> {
    let open: Weak<Open> = Arc::downgrade(streams.open_streams());
    async move {
        loop {
            execution_sleep(TRIM_PAUSE).await;
            let Some(open) = open.upgrade() else { return };
            let all: Vec<Stream> = open.lock().values().cloned().collect();
            drop(open);
            trim_all(all).await;
        }
    }
}

async fn trim_all(streams: Vec<Stream>) {
    for stream in streams {
        if let Err(error) = stream.trim().await
            && !matches!(error, StreamError::Removed)
        {
            tracing::warn!(stream = stream.id().0, %error, "expired records stay in the store for now");
        }
    }
}

impl Streams {
    /// For tests: removes expired records now.
    #[doc(hidden)]
    pub async fn trim(&self) {
        let all: Vec<Stream> = self.open_streams().lock().values().cloned().collect();
        trim_all(all).await;
    }
}

impl Stream {
    /// What is to be written together with another retention: what has expired by now does not come back when it grows.
    pub fn prepare_retention(&self) -> Prepared {
        let hold = self.platform().clock.hold();
        let now = self.platform().clock.now();
        let floor = self.locked(|head, _| {
            head.advance(now);
            head.floor
        });
        let value = serde_json::to_vec(&floor).expect("a number can be written as JSON");
        let part = Transaction::new().mutate(Mutation::Put(self.rows().floor.clone(), value.into()));
        // Nothing expires in between.
        Prepared::new(self.id().0.clone(), part, move |_| drop(hold))
    }

    /// Removes what has expired from the store.
    async fn trim(&self) -> Result<(), StreamError> {
        let _turn = self.inner().trimming.lock().await;
        let (floor, shards) = self
            .on_head(|head, _| {
                let shards = head.all_shards();
                (head.floor, shards)
            })
            .await?;
        for (shard, is_gone) in shards {
            while self.trim_some(shard, floor).await? {}
            if is_gone {
                self.drop_shard(shard).await?;
            }
        }
        Ok(())
    }

    /// Whether there may be more.
    async fn trim_some(&self, shard: ShardId, floor: Timestamp) -> Result<bool, StreamError> {
        let (from, _) = self.rows().records_from(shard, SequenceNumber::ZERO);
        let to = self.rows().record(shard, SequenceNumber::past(floor));
        let snapshot = self.platform().store.snapshot().await?;
        let expired = snapshot.range(&from, &to, ROWS, false).await?;
        drop(snapshot);
        let (mut last, mut parts): (Option<&Bytes>, usize) = (None, 0);
        for row in &expired {
            parts += usize::from(parts_of(&row.value));
            last = Some(&row.key);
            if parts > PARTS {
                break;
            }
        }
        let Some(last) = last else { return Ok(false) };
        let number = self.rows().last_of(last)?;
        let (parts_from, parts_to) = self.rows().parts_to(shard, number);
        let transaction = Transaction::new()
            .mutate(Mutation::DeleteRange(from, next_key(last)))
            .mutate(Mutation::DeleteRange(parts_from, parts_to))
            .mutate(Mutation::Put(
                self.rows().trimmed_of(shard),
                Bytes::copy_from_slice(&number.0.to_be_bytes()),
            ));
        self.platform().store.commit(transaction).await?;
        Ok(parts > PARTS || expired.len() == ROWS)
    }

    /// Removes what is left of a shard whose records have all expired.
    async fn drop_shard(&self, shard: ShardId) -> Result<(), StreamError> {
        let (parts_from, parts_to) = self.rows().parts_to(shard, SequenceNumber(u128::MAX));
        let transaction = Transaction::new()
            .mutate(Mutation::DeleteRange(parts_from, parts_to))
            .mutate(Mutation::Delete(self.rows().trimmed_of(shard)))
            .mutate(Mutation::Delete(self.rows().shard(shard)));
        self.platform().store.commit(transaction).await?;
        self.locked(|head, hold| head.forget(shard, hold));
        Ok(())
    }
}
