//! One shard: its lanes, and what is done when their number changes or the shard ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use clock::Hold;
use stream::{ShardId, Stream};
use tokio::sync::mpsc;

use super::gather::hold_until_it_waits;
use super::lane::Lane;
use super::saver::Saver;
use super::work::{Halt, Place, Work, pause};
use crate::pauses::Pauses;
use crate::poller::Poller;
use crate::tables::checkpoints::{Checkpoints, ShardRow};
use crate::{Polling, StreamPolling};

/// What is needed to work on a shard.
#[derive(Debug, Clone)]
pub(crate) struct ShardWork {
    pub(crate) poller: Arc<Poller>,
    pub(crate) stream: Stream,
    pub(crate) shard: ShardId,
    pub(crate) polling: StreamPolling,
}

impl ShardWork {
    pub(crate) fn new(poller: Arc<Poller>, stream: Stream, shard: ShardId) -> Option<Self> {
        let Polling::Stream(polling) = poller.mapping.polling.clone() else { return None };
        Some(Self { poller, stream, shard, polling })
    }

    /// Works until it is told to stop or the shard is done. Virtual time stands still as long as the [`Hold`] that it
    /// takes and gives back.
    pub(crate) async fn run(self, row: ShardRow, mut hold: Hold) -> (Halt, Hold) {
        match self.work(row, &mut hold).await {
            Ok(()) => (Halt::Ended, hold),
            Err(halt) => (halt, hold),
        }
    }

    async fn work(&self, mut row: ShardRow, hold: &mut Hold) -> Result<(), Halt> {
        let slots = self.polling.parallelization_factor.max(1);
        if row.slots != slots {
            row = self.divide(row, slots, hold).await?;
        }
        let lanes = self.lanes(&row).await?;
        self.run_lanes(&row, lanes, hold, false).await?;
        let done = ShardRow { is_done: true, ..row.clone() };
        self.put(&row, &done).await
    }

    /// Goes over to another number of lanes. What the old ones have open is closed before.
    async fn divide(&self, row: ShardRow, slots: u32, hold: &mut Hold) -> Result<ShardRow, Halt> {
        let lanes = self.lanes(&row).await?;
        let is_unfinished = |lane: &Lane| lane.window.is_some() || lane.hand_over.is_some();
        if lanes.iter().any(is_unfinished) {
            self.run_lanes(&row, lanes, hold, true).await?;
        }
        let divided = row.divide(slots, &self.lanes(&row).await?);
        self.put(&row, &divided).await?;
        Ok(divided)
    }

    /// Until all lanes have come to their end, or one to another halt.
    async fn run_lanes(
        &self,
        row: &ShardRow,
        lanes: Vec<Lane>,
        hold: &mut Hold,
        is_last: bool,
    ) -> Result<(), Halt> {
        let row = Arc::new(row.clone());
        let mut works = Vec::with_capacity(lanes.len());
        for (slot, lane) in (0..).zip(lanes).filter(|(_, lane)| is_last || !lane.has_ended) {
            let saver = self.saver(slot).await?;
            let (poller, stream) = (self.poller.clone(), self.stream.clone());
            let place = Place { poller, stream, shard: self.shard, row: row.clone(), slot };
            works.push(Work::new(place, self.polling.clone(), lane, saver, hold.clone(), is_last));
        }
        if works.is_empty() {
            return Ok(());
        }
        let (ended, mut endings) = mpsc::unbounded_channel();
        let lanes = works.len();
        works.into_iter().for_each(|work| self.begin_lane(work, ended.clone()));
        drop(ended);
        let mut result = Ok(());
        for _ in 0..lanes {
            // What ends before others holds up no time.
            let ending = hold_until_it_waits(endings.recv(), std::mem::take(hold)).await;
            let (halt, held) = ending.unwrap_or((Halt::Stopped, Hold::none()));
            *hold = held;
            if halt != Halt::Ended {
                result = result.and(Err(halt));
            }
        }
        result
    }

    fn begin_lane(&self, work: Work, ended: mpsc::UnboundedSender<(Halt, Hold)>) {
        let (poller, tasks) = (self.poller.clone(), self.poller.parts().tasks.clone());
        let lane = tasks.spawn("lane of a shard", work.run());
        tasks.spawn("end of a lane", async move {
            let ending = lane.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a lane of a shard broke down");
                // The mapping's next run begins it anew.
                poller.is_broken.store(true, Ordering::Release);
                poller.stop.tell();
                (Halt::Stopped, Hold::none())
            });
            // Nobody listens any more when the run was dropped.
            let _ = ended.send(ending);
        });
    }

    async fn lanes(&self, row: &ShardRow) -> Result<Vec<Lane>, Halt> {
        let store = &*self.poller.parts().store;
        let mut pauses = Pauses::of_store();
        loop {
            match self.checkpoints().lanes(store, self.shard, row).await {
                Ok(lanes) => return Ok(lanes),
                Err(error) => pause(&mut pauses, &self.poller.stop, &error).await?,
            }
        }
    }

    async fn saver(&self, slot: u32) -> Result<Saver, Halt> {
        let parts = self.poller.parts();
        let mut pauses = Pauses::of_store();
        loop {
            let (store, tasks, stop) = (parts.store.clone(), parts.tasks.clone(), self.poller.stop.clone());
            match Saver::open(store, tasks, stop, self.checkpoints(), self.shard, slot).await {
                Ok(saver) => return Ok(saver),
                Err(error) => pause(&mut pauses, &self.poller.stop, &error).await?,
            }
        }
    }

    async fn put(&self, before: &ShardRow, row: &ShardRow) -> Result<(), Halt> {
        let store = &*self.poller.parts().store;
        let mut pauses = Pauses::of_store();
        loop {
            match self.checkpoints().put_shard(store, self.shard, Some(before), row).await {
                Ok(()) => return Ok(()),
                Err(error) => pause(&mut pauses, &self.poller.stop, &error).await?,
            }
        }
    }

    fn checkpoints(&self) -> Checkpoints {
        Checkpoints::of(&self.poller.mapping)
    }
}
