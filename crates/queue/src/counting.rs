//! How many messages there are.

use store::prefix_end;

use crate::loading::count_delayed;
use crate::queue::Queue;
use crate::rows::position_of;
use crate::{Counters, QueueError};

impl Queue {
    /// How many messages there are.
    ///
    /// # Errors
    /// When the queue was removed or the store fails.
    pub async fn counters(&self) -> Result<Counters, QueueError> {
        if self.on_head(|head, _| Some(head.has_expired())).await? {
            self.expire().await?;
        }
        let (in_flight, delayed, delay, now) = self
            .on_head(|head, _| {
                Some((head.in_flight_count() as u64, head.order.delayed(), head.settings.delay, head.now))
            })
            .await?;
        let snapshot = self.platform().store.snapshot().await?;
        let rows = self.rows();
        let delayed = match delayed {
            Some(delayed) => delayed,
            None => count_delayed(&*snapshot, rows, now, delay).await?,
        };
        let count = snapshot.get(&rows.count).await?;
        let count = count.and_then(|stored| stored.value[..].try_into().ok()).map_or(0, i64::from_le_bytes);
        let oldest = snapshot.range(&rows.messages, &prefix_end(&rows.messages), 1, false).await?;
        let oldest = oldest.first().map(|first| position_of(&rows.messages, first)).transpose()?;
        Ok(Counters {
            visible: u64::try_from(count).unwrap_or(0).saturating_sub(in_flight + delayed),
            in_flight,
            delayed,
            oldest: oldest.map(|(sent, _)| sent),
        })
    }
}
