//! Reading what a head lacks.
//!
//! Nothing is committed while the head is being read that would change what was read: who writes has the shards and
//! the tips it writes to in memory, and gives all of it up when it does not know how its commit ended.

use store::{Snapshot, StoreError, prefix_end};

use crate::head::{Stage, Tip};
use crate::rows::removed;
use crate::stream::Stream;
use crate::tail::Tail;
use crate::{SequenceNumber, Shard, ShardId, StreamError};

impl Stream {
    /// Reads the shards, unless somebody else just did.
    pub(crate) async fn load(&self) -> Result<(), StreamError> {
        let _turn = self.inner().loading.lock().await;
        let Some(epoch) = self.locked(|head, _| (head.stage == Stage::Unloaded).then_some(head.epoch)) else {
            return Ok(());
        };
        let snapshot = self.platform().store.snapshot().await?;
        if snapshot.get(&removed(self.id())).await?.is_some() {
            self.locked(|head, hold| head.remove(hold));
            return Ok(());
        }
        let damaged = |error: serde_json::Error| StoreError::Damaged(format!("a shard: {error}"));
        let table = &self.rows().shards;
        let stored = snapshot.range(table, &prefix_end(table), usize::MAX, false).await?;
        let shards = stored.iter().map(|entry| serde_json::from_slice(&entry.value).map_err(damaged));
        let shards = shards.collect::<Result<Vec<Shard>, StoreError>>()?;
        let floor = match snapshot.get(&self.rows().floor).await? {
            None => None,
            Some(entry) => {
                let damaged = |error| StoreError::Damaged(format!("a stream's floor: {error}"));
                Some(serde_json::from_slice(&entry.value).map_err(damaged)?)
            }
        };
        let now = self.platform().clock.now();
        self.locked(|head, _| (head.epoch == epoch).then(|| head.install(shards, floor, now)));
        Ok(())
    }

    /// Reads where the shard ends, unless somebody else just did.
    pub(crate) async fn load_tip(&self, shard: ShardId) -> Result<(), StreamError> {
        let _turn = self.inner().loading.lock().await;
        let wanted = self.locked(|head, _| {
            let shard = head.shard(shard).filter(|shard| shard.tip.is_none())?;
            Some(shard.shard.starting)
        });
        let Some(starting) = wanted else { return Ok(()) };
        let snapshot = self.platform().store.snapshot().await?;
        let (from, to) = self.rows().records_from(shard, SequenceNumber::ZERO);
        let newest = snapshot.range(&from, &to, 1, true).await?;
        let newest = newest.first().map(|entry| self.rows().last_of(&entry.key)).transpose()?;
        let trimmed = self.trimmed(&*snapshot, shard).await?;
        let last = newest.max(trimmed).unwrap_or(starting).max(starting);
        let tail = Tail::after(newest.unwrap_or(SequenceNumber::ZERO));
        self.locked(|head, _| {
            // If all was given up meanwhile it is not there: nobody else loads it during this turn.
            if let Some(shard) = head.shard(shard) {
                shard.tip = Some(Tip { given: last, published: last, tail });
            }
        });
        Ok(())
    }

    /// The last number of the shard that expired.
    async fn trimmed(
        &self,
        snapshot: &dyn Snapshot,
        shard: ShardId,
    ) -> Result<Option<SequenceNumber>, StoreError> {
        let Some(entry) = snapshot.get(&self.rows().trimmed_of(shard)).await? else { return Ok(None) };
        let number = <[u8; 16]>::try_from(&entry.value[..])
            .map_err(|_| StoreError::Damaged("the number that a shard was trimmed to".to_owned()))?;
        Ok(Some(SequenceNumber(u128::from_be_bytes(number))))
    }
}
