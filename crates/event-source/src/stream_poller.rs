//! Polls streams: in each shard, lanes that read, invoke and write down how far they have come.
//!
//! A shard's children begin when all of it is done. A shard that was there when the mapping began starts where the
//! mapping says, and one that came later with its first record.

mod event;
mod failure_record;
mod gather;
mod hand_over;
mod invocation;
pub(crate) mod lane;
mod next_step;
mod response;
mod saver;
mod shard;
pub(crate) mod waits;
mod windows;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clock::Hold;
use store::TableError;
use stream::{Shard, ShardId, Stream, StreamError};
use tokio::sync::mpsc;

use self::gather::hold_until_it_waits;
use self::shard::ShardWork;
use self::work::{Halt, pause};
use crate::Polling;
use crate::pauses::Pauses;
use crate::poller::{Ended, Poller};
use crate::tables::checkpoints::{Checkpoints, ShardRow};

/// Polls until it is told to stop and the last batches have run.
pub(crate) async fn run(poller: Arc<Poller>, stream: Stream) -> Ended {
    let (ended, endings) = mpsc::unbounded_channel();
    let mut run = Run { poller, stream, running: BTreeSet::new(), ended, endings };
    let halt = match run.begin().await {
        Ok(hold) => run.run(hold).await,
        Err(halt) => halt,
    };
    run.end().await;
    match halt {
        Halt::Removed => Ended::Removed,
        _ if run.poller.is_broken.load(Ordering::Acquire) => Ended::Broken,
        Halt::Stopped | Halt::Ended => Ended::Stopped,
    }
}

/// A mapping's run.
struct Run {
    poller: Arc<Poller>,
    stream: Stream,
    /// Shards that are worked on.
    running: BTreeSet<ShardId>,
    ended: mpsc::UnboundedSender<(ShardId, Halt, Hold)>,
    endings: mpsc::UnboundedReceiver<(ShardId, Halt, Hold)>,
}

/// Why the shards could not be looked at.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Run {
    /// Resolves and stores where the mapping starts in each shard, unless it has begun with this stream before. With
    /// `LATEST`, what is put once the mapping is enabled is not missed.
    async fn begin(&self) -> Result<Hold, Halt> {
        let (parts, mapping) = (self.poller.parts(), &*self.poller.mapping);
        let checkpoints = Checkpoints::of(mapping);
        let mut pauses = Pauses::of_store();
        loop {
            let now = parts.clock.now();
            match checkpoints.begin(&*parts.store, mapping, &self.stream, now).await {
                Ok(()) => return Ok(self.poller.began().await),
                Err(StreamError::Removed) => return Err(Halt::Removed),
                Err(error) => pause(&mut pauses, &self.poller.stop, &error).await?,
            }
        }
    }

    async fn run(&mut self, mut hold: Hold) -> Halt {
        let mut pauses = Pauses::of_store();
        loop {
            let known = match self.begin_shards(&hold).await {
                Ok(known) => known,
                Err(Failed::Stream(StreamError::Removed)) => return Halt::Removed,
                Err(error) => {
                    if let Err(halt) = pause(&mut pauses, &self.poller.stop, &error).await {
                        return halt;
                    }
                    continue;
                }
            };
            pauses.reset();
            hold = match hold_until_it_waits(self.wait_for_change(&known), hold).await {
                Ok(hold) => hold,
                Err(halt) => return halt,
            };
        }
    }

    async fn wait_for_change(&mut self, known: &[Shard]) -> Result<Hold, Halt> {
        let poller = self.poller.clone();
        tokio::select! {
            () = poller.stop.told() => Err(Halt::Stopped),
            () = poller.parts().streams.deregistered(&poller.mapping.source) => Err(Halt::Removed),
            resharded = self.stream.resharded(known) => match resharded {
                Ok(hold) => Ok(hold),
                Err(StreamError::Removed) => Err(Halt::Removed),
                // The next look tells what it is.
                Err(_) => Ok(self.poller.parts().clock.hold()),
            },
            Some((shard, halt, hold)) = self.endings.recv() => {
                self.running.remove(&shard);
                if halt == Halt::Ended { Ok(hold) } else { Err(halt) }
            }
        }
    }

    /// Begins with the shards whose turn it is; answers all that there are.
    async fn begin_shards(&mut self, hold: &Hold) -> Result<Vec<Shard>, Failed> {
        let poller = self.poller.clone();
        let (parts, mapping) = (poller.parts(), &*poller.mapping);
        let checkpoints = Checkpoints::of(mapping);
        let shards = self.stream.shards().await?;
        let ids: BTreeSet<ShardId> = shards.iter().map(|shard| shard.id).collect();
        let mut rows: BTreeMap<ShardId, ShardRow> =
            checkpoints.shards(&*parts.store).await?.into_iter().collect();
        let gone: Vec<ShardId> =
            rows.keys().filter(|id| !ids.contains(id) && !self.running.contains(id)).copied().collect();
        if !gone.is_empty() {
            checkpoints.forget(&*parts.store, &gone).await?;
            rows.retain(|id, _| !gone.contains(id));
        }
        let slots = match &mapping.polling {
            Polling::Stream(polling) => polling.parallelization_factor.max(1),
            Polling::Queue(_) => return Ok(shards),
        };
        for shard in &shards {
            let parents = [shard.parent, shard.adjacent_parent];
            // A parent that is not among the shards any more has no records left.
            let is_its_turn = parents
                .into_iter()
                .flatten()
                .all(|parent| !ids.contains(&parent) || rows.get(&parent).is_some_and(|row| row.is_done));
            if !is_its_turn || self.running.contains(&shard.id) {
                continue;
            }
            let row = match rows.get(&shard.id) {
                Some(row) => row.clone(),
                None => {
                    let row = ShardRow::new(slots, None);
                    checkpoints.put_shard(&*parts.store, shard.id, None, &row).await?;
                    row
                }
            };
            if !row.is_done {
                self.begin_shard(shard.id, row, hold);
            }
        }
        Ok(shards)
    }

    fn begin_shard(&mut self, shard: ShardId, row: ShardRow, hold: &Hold) {
        let Some(work) = ShardWork::new(self.poller.clone(), self.stream.clone(), shard) else { return };
        let parts = self.poller.parts();
        let (ended, hold) = (self.ended.clone(), hold.clone());
        self.running.insert(shard);
        parts.tasks.spawn("shard of a stream", async move {
            let (halt, hold) = work.run(row, hold).await;
            // Nobody listens any more when the run was dropped.
            let _ = ended.send((shard, halt, hold));
        });
    }

    /// Whyever it ends: all that runs comes to its end.
    async fn end(&mut self) {
        self.poller.stop.tell();
        while !self.running.is_empty()
            && let Some((shard, _, _)) = self.endings.recv().await
        {
            self.running.remove(&shard);
        }
    }
}
