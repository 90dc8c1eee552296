//! Waiting for other shards.

use clock::{Hold, Timestamp};
use tokio::sync::oneshot;

use crate::stream::Stream;
use crate::{Shard, StreamError};

impl Stream {
    /// Waits until the shards are others than `known`, which [`Stream::shards`] answered: one was split or merged, or is
    /// gone. May be dropped at any time.
    ///
    /// # Errors
    /// [`StreamError::Removed`], and when the store fails.
    pub async fn resharded(&self, known: &[Shard]) -> Result<Hold, StreamError> {
        let mut hold = self.platform().clock.hold();
        loop {
            let parked = self.on_head(|head, _| {
                if head.list() != known {
                    return None;
                }
                let retention = head.settings.retention;
                let first_gone = known.iter().filter_map(|shard| Some(shard.closed?.1 + retention)).min();
                Some((head.resharded.park(), first_gone))
            });
            let Some((woken, first_gone)) = parked.await? else { return Ok(hold) };
            drop(hold);
            let mut waiting = Waiting { stream: self.clone(), woken };
            hold = tokio::select! {
                woken = &mut waiting.woken => woken.unwrap_or_else(|_| self.platform().clock.hold()),
                hold = self.reached(first_gone) => hold,
            };
        }
    }

    async fn reached(&self, due: Option<Timestamp>) -> Hold {
        match due {
            Some(due) => self.platform().clock.sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

/// Somebody who waits for other shards.
struct Waiting {
    stream: Stream,
    woken: oneshot::Receiver<Hold>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.woken.close();
        self.stream.locked(|head, _| head.resharded.sweep());
    }
}
