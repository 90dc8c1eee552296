//! The work of one lane: batch by batch, each until it is done or given up.

use std::fmt::Display;
use std::sync::Arc;

use clock::{Hold, Timestamp};
use serde_json::value::RawValue;
use stream::{Record, SequenceNumber, ShardId, Stream, StreamError};

use super::gather::{Gathered, Reader, hold_until_it_waits};
use super::lane::{Lane, Piece, Tries};
use super::next_step::{self, Condition, Item, Limits, NextStep, Outcome};
use super::saver::Saver;
use crate::figures::Figure;
use crate::pauses::{Pauses, wait};
use crate::poller::Poller;
use crate::stop::Stop;
use crate::tables::checkpoints::ShardRow;
use crate::{Mapping, StreamPolling};

/// Why a lane does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    /// It was told to.
    Stopped,
    /// Its shard has ended, or its windows are closed and that was all it was to do.
    Ended,
    /// The stream was deleted.
    Removed,
}

/// What a lane works on.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) poller: Arc<Poller>,
    pub(crate) stream: Stream,
    pub(crate) shard: ShardId,
    pub(crate) row: Arc<ShardRow>,
    pub(crate) slot: u32,
}

impl Place {
    pub(crate) fn mapping(&self) -> &Mapping {
        &self.poller.mapping
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.poller.parts().clock.now()
    }
}

/// One lane at work.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) place: Place,
    pub(crate) polling: StreamPolling,
    pub(crate) lane: Lane,
    pub(crate) reader: Reader,
    pub(crate) saver: Saver,
    /// Keeps virtual time where it is while something is being done.
    pub(crate) hold: Hold,
    /// Only its window is to be closed, since its shard gets other lanes.
    pub(crate) is_last: bool,
    pauses: Pauses,
}

impl Work {
    pub(crate) fn new(
        place: Place,
        polling: StreamPolling,
        lane: Lane,
        saver: Saver,
        hold: Hold,
        is_last: bool,
    ) -> Self {
        let reader = Reader::after(lane.done);
        Self { place, polling, lane, reader, saver, hold, is_last, pauses: Pauses::of_store() }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits::from(&self.polling)
    }

    /// Works until it is told to stop or nothing comes any more.
    pub(crate) async fn run(mut self) -> (Halt, Hold) {
        let halt = loop {
            if let Err(halt) = self.step().await {
                break halt;
            }
        };
        if halt != Halt::Removed {
            self.save();
            self.saver.flush().await;
        }
        (halt, self.hold)
    }

    async fn step(&mut self) -> Result<(), Halt> {
        if self.place.poller.stop.is_told() {
            return Err(Halt::Stopped);
        }
        if self.saver.is_behind() {
            // What is done is not written down: no more is done before that.
            self.saver.flush().await;
        }
        if self.lane.hand_over.is_some() {
            return self.hand_over().await;
        }
        if self.has_to_close() {
            return self.close_window().await;
        }
        if self.is_last {
            return Err(Halt::Ended);
        }
        if self.lane.pieces.is_empty() { self.next_batch().await } else { self.retry().await }
    }

    /// Has what is known by now written down.
    pub(crate) fn save(&mut self) {
        self.reader.saved();
        self.saver.save(self.lane.clone(), self.hold.clone());
    }

    /// Waits until something is tried again, if that is not now.
    pub(crate) async fn wait_until(&mut self, at: Option<Timestamp>) -> Result<(), Halt> {
        let Some(at) = at.filter(|at| *at > self.place.now()) else { return Ok(()) };
        let sleep = self.place.poller.parts().clock.sleep_until(at);
        drop(std::mem::take(&mut self.hold));
        tokio::select! {
            hold = sleep => self.hold = hold,
            () = self.place.poller.stop.told() => return Err(Halt::Stopped),
        }
        Ok(())
    }

    /// The same for what could not be run: in execution time, too, as virtual time may stand still for those who run.
    pub(crate) async fn wait_for_room(&mut self, at: Option<Timestamp>) -> Result<(), Halt> {
        let Some(at) = at.filter(|at| *at > self.place.now()) else { return Ok(()) };
        let clock = self.place.poller.parts().clock.clone();
        let waits = wait(&*clock, at.saturating_since(clock.now()));
        tokio::select! {
            hold = hold_until_it_waits(waits, std::mem::take(&mut self.hold)) => self.hold = hold,
            () = self.place.poller.stop.told() => return Err(Halt::Stopped),
        }
        Ok(())
    }

    /// A read failed: waits until there is hope.
    pub(crate) async fn read_failed(&mut self, error: StreamError) -> Result<(), Halt> {
        // It may have been let go of to wait for records.
        self.hold = self.place.poller.parts().clock.hold();
        match error {
            StreamError::Removed => Err(Halt::Removed),
            error => pause(&mut self.pauses, &self.place.poller.stop, &error).await,
        }
    }

    async fn next_batch(&mut self) -> Result<(), Halt> {
        match self.gather().await? {
            Gathered::Batch(records) => self.attempt(records, None).await,
            Gathered::WindowIsOver => {
                self.begin_closing();
                Ok(())
            }
            Gathered::Nothing => Ok(()),
            Gathered::End if self.lane.window.is_some() => {
                self.begin_closing();
                Ok(())
            }
            Gathered::End => {
                self.lane.has_ended = true;
                Err(Halt::Ended)
            }
        }
    }

    fn begin_closing(&mut self) {
        if let Some(window) = &mut self.lane.window {
            window.closing.get_or_insert_default();
        }
    }

    /// Tries what is left of a batch that failed.
    async fn retry(&mut self) -> Result<(), Halt> {
        let Some(piece) = self.lane.pieces.front().cloned() else { return Ok(()) };
        let wake = next_step::wake_at(&self.limits(), &piece);
        if piece.tries.turned_away > 0 {
            self.wait_for_room(wake).await?;
        } else {
            self.wait_until(wake).await?;
        }
        let Some((mut records, is_all)) = self.load(piece.last).await? else { return Ok(()) };
        // If there are none: all have expired in the stream.
        let Some(first) = records.first() else {
            self.lane.pieces.pop_front();
            self.done(Some(piece.last));
            self.save();
            return Ok(());
        };
        if let Some(piece) = self.lane.pieces.front_mut() {
            // At least one more follows those that are loaded, as far as is known.
            piece.records = records.len() + usize::from(!is_all);
        }
        if self.lane.window.as_ref().is_some_and(|window| first.arrived >= window.end) {
            self.begin_closing();
            return Ok(());
        }
        if let Some(end) = self.window_end(first.arrived) {
            let count = records.iter().take_while(|record| record.arrived < end).count();
            if count < records.len() {
                records.truncate(count);
                self.split_first_piece(&items(&records));
            }
        }
        if !is_all {
            self.split_first_piece(&items(&records));
        }
        self.attempt(records, Some(piece.tries)).await
    }

    /// Everything up to there is done.
    fn done(&mut self, number: Option<SequenceNumber>) {
        self.lane.done = self.lane.done.max(number);
    }

    /// Takes this beginning of the pending records, or of all that come, out of what is pending.
    fn take(&mut self, taken: &[Item]) {
        let Some(last) = taken.last() else { return };
        let mut done = Some(last.sequence_number);
        if let Some(piece) = self.lane.pieces.front_mut() {
            piece.records = piece.records.saturating_sub(taken.len());
            if piece.records == 0 {
                // Records between the last that was wanted and the end of the piece.
                done = done.max(Some(piece.last));
                self.lane.pieces.pop_front();
            }
        }
        self.done(done);
    }

    /// Tries a batch once; `tries` if it is the beginning of the first piece. The records lie within one window.
    async fn attempt(&mut self, mut records: Vec<Record>, tries: Option<Tries>) -> Result<(), Halt> {
        let is_retry = tries.is_some();
        let tries = tries.unwrap_or_default();
        let all = items(&records);
        let (old, young) = all.split_at(next_step::too_old(&self.limits(), &all, self.place.now()));
        if !old.is_empty() {
            self.take(old);
            self.give_up(old, Condition::RecordAgeExceeded, &tries).await?;
            records.drain(..old.len());
        }
        if young.is_empty() {
            return Ok(());
        }
        let Some(function) = self.function().await else {
            self.place.poller.figures.count(Figure::FailedInvoke, young.len());
            return self.apply(young, &tries, Outcome::TurnedAway, None).await;
        };
        let (event, count) = self.event(&records, &function.role);
        let (batch, rest) = young.split_at(count);
        if is_retry && !rest.is_empty() {
            self.split_first_piece(&young[..count.max(1)]);
        } else {
            self.reader.put_back(records.drain(count..));
        }
        if batch.is_empty() {
            let first = &young[..1];
            self.take(first);
            self.reader.rewind(self.lane.done);
            return self.give_up(first, Condition::PayloadSizeExceeded, &tries).await;
        }
        let (outcome, state) = self.invoke(&function, event, batch, &tries).await;
        self.apply(batch, &tries, outcome, state).await
    }

    /// Only a beginning of the first piece was tried: what follows it becomes a piece of its own.
    fn split_first_piece(&mut self, tried: &[Item]) {
        let Some(rest) = self.lane.pieces.front_mut().filter(|piece| piece.records > tried.len()) else {
            return;
        };
        let first = next_step::piece(tried, rest.tries.clone());
        rest.records -= first.records;
        self.lane.pieces.push_front(first);
    }

    /// What follows from an attempt, after which the window's state is `state`.
    async fn apply(
        &mut self,
        batch: &[Item],
        tries: &Tries,
        outcome: Outcome,
        state: Option<Box<RawValue>>,
    ) -> Result<(), Halt> {
        match next_step::next_step(&self.limits(), tries, batch, outcome, self.place.now()) {
            NextStep::Done => {
                self.take(batch);
                self.aggregate(batch, state);
                self.save();
                Ok(())
            }
            NextStep::Again(done, pieces) => {
                self.aggregate(&batch[..done], state);
                self.again(&batch[..done], pieces);
                self.save();
                Ok(())
            }
            NextStep::GivenUp(condition, tries) => {
                self.take(batch);
                self.give_up(batch, condition, &tries).await
            }
        }
    }

    /// Puts `pieces` in the place of the first one, or of the batch that was new.
    fn again(&mut self, done: &[Item], pieces: Vec<Piece>) {
        self.done(done.last().map(|item| item.sequence_number));
        self.lane.pieces.pop_front();
        for piece in pieces.into_iter().rev() {
            self.lane.pieces.push_front(piece);
        }
        self.reader.rewind(self.lane.done);
    }
}

/// Waits before the store or the stream is asked again.
pub(crate) async fn pause(pauses: &mut Pauses, stop: &Stop, why: &(impl Display + Sync)) -> Result<(), Halt> {
    tracing::warn!(%why, "a mapping of a stream waits");
    tokio::select! {
        () = pauses.pause() => Ok(()),
        () = stop.told() => Err(Halt::Stopped),
    }
}

pub(crate) fn items(records: &[Record]) -> Vec<Item> {
    let item = |record: &Record| Item { sequence_number: record.sequence_number, arrived: record.arrived };
    records.iter().map(item).collect()
}
