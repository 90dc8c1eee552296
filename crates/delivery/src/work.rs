//! One event that is being worked on: whatever happens, its lane hears of it.

use std::sync::Arc;

use clock::{Hold, Timestamp};
use ids::{FunctionArn, RequestId};

use crate::engine::Engine;
use crate::head::{Claimed, TurnedAway};
use crate::next_step::deferral;
use crate::row::{Row, Stored};

/// An event that was begun.
pub(crate) struct Work {
    pub(crate) engine: Arc<Engine>,
    /// What is known of it by now.
    pub(crate) stored: Stored,
    /// Where it lies in the store.
    pub(crate) row: Row,
    function: FunctionArn,
    id: RequestId,
    hold: Option<Hold>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    Concluding,
    Over,
}

impl Work {
    pub(crate) fn new(engine: Arc<Engine>, claimed: Claimed) -> Self {
        let Claimed { stored, function, hold } = claimed;
        Self {
            id: stored.event.id,
            row: stored.row(),
            engine,
            stored,
            function,
            hold: Some(hold),
            stage: Stage::Running,
        }
    }

    /// How often in a row its function has been paused.
    pub(crate) fn pauses(&self) -> u32 {
        self.engine.head().pauses(&self.function)
    }

    /// Nothing runs for it any more: another event may begin while this one is concluded. `admitted` when the function
    /// ran.
    pub(crate) fn attempted(&mut self, admitted: bool) {
        if self.stage == Stage::Running {
            self.stage = Stage::Concluding;
            self.engine.head().attempted(&self.function, admitted);
            self.engine.go_on();
        }
    }

    /// Its row is gone.
    pub(crate) fn ended(mut self) {
        self.over();
        self.engine.head().ended(&self.function, self.id);
        // Time may go on only once nothing of it is left.
        drop(self.hold.take());
        self.engine.go_on();
    }

    /// Its row is one that is due later.
    pub(crate) fn rescheduled(mut self, due: Timestamp) {
        self.over();
        let claimed = self.claimed();
        self.engine.head().rescheduled(claimed, due);
        self.engine.go_on();
    }

    /// Only the store knows what of it is left.
    pub(crate) fn lost_sight(mut self) {
        self.over();
        let hold = self.hold.take().unwrap_or_default();
        let mut head = self.engine.head();
        head.abandoned(&self.function, self.id);
        head.lose_sight(&self.function, self.id, hold);
        drop(head);
        self.engine.go_on();
    }

    /// There was no concurrency for it.
    pub(crate) fn turned_away(mut self, until: Timestamp) -> TurnedAway {
        self.stage = Stage::Over;
        let claimed = self.claimed();
        let turned_away = self.engine.head().turned_away(claimed, until);
        self.engine.go_on();
        turned_away
    }

    /// The server is shutting down: the row is for the next process.
    pub(crate) fn abandoned(mut self) {
        self.over();
        self.engine.head().abandoned(&self.function, self.id);
    }

    fn over(&mut self) {
        self.attempted(false);
        self.stage = Stage::Over;
    }

    fn claimed(&mut self) -> Claimed {
        Claimed {
            stored: self.stored.clone(),
            function: self.function.clone(),
            hold: self.hold.take().unwrap_or_default(),
        }
    }
}

impl Drop for Work {
    /// Dropped before it was over: whoever worked on it panicked. The row is still there, and is tried again, but not
    /// at once.
    fn drop(&mut self) {
        if self.stage == Stage::Over {
            return;
        }
        let until = self.engine.now() + deferral(self.pauses());
        let mut head = self.engine.head();
        if self.stage == Stage::Running {
            head.attempted(&self.function, false);
        }
        head.abandoned(&self.function, self.id);
        head.pause(&self.function, until);
        head.keep_hold(self.hold.take().unwrap_or_default());
        drop(head);
        // Begun from here, attempts would be dropped from here when it is the runtime that ends.
        self.engine.keeper.notify_one();
    }
}
