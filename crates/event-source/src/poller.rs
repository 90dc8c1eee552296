//! What the supervisor gives to whoever polls for a mapping.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clock::{Hold, Timestamp};
use targets::{Due, Step, What};

use crate::engine::Engine;
use crate::figures::Figures;
use crate::filter::Filter;
use crate::slot::Slot;
use crate::stop::Stop;
use crate::waiting::Wait;
use crate::{EventSourcesParts, Functions, Mapping, State};

/// `LastProcessingResult` when the last batch went well.
pub(crate) const OK: &str = "OK";
/// `LastProcessingResult` when the function failed.
pub(crate) const CALL_FAILED: &str = "PROBLEM: Function call failed";
/// `LastProcessingResult` when there was no concurrency for the function.
pub(crate) const THROTTLED: &str = "PROBLEM: Function call was throttled";
/// `LastProcessingResult` when the function, or the version or alias, is gone.
pub(crate) const FUNCTION_GONE: &str = "PROBLEM: Function not found";

/// One run of a mapping: from when it begins to poll until it is to stop. Shared by all tasks of the run.
pub(crate) struct Poller {
    pub(crate) engine: Arc<Engine>,
    /// As it was when the run began: a change begins another run.
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) functions: Arc<dyn Functions>,
    pub(crate) filter: Filter,
    pub(crate) figures: Figures,
    pub(crate) stop: Stop,
    /// Where its state is.
    pub(crate) slot: Arc<Slot>,
    /// Part of it panicked.
    pub(crate) is_broken: AtomicBool,
}

/// Why polling ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was told to, and its last batches have run.
    Stopped,
    /// The queue or stream was deleted.
    Removed,
    /// Part of it panicked.
    Broken,
}

impl Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").field("mapping", &self.mapping.uuid).finish_non_exhaustive()
    }
}

impl Poller {
    pub(crate) fn parts(&self) -> &EventSourcesParts {
        &self.engine.parts
    }

    /// Everything is known that must be known to lose nothing from now on: where each shard is begun with has been
    /// stored. The mapping becomes `Enabled`. Virtual time stands still until the [`Hold`] is dropped: not before the
    /// source has been looked at for the first time. Called once, at the beginning.
    pub(crate) async fn began(&self) -> Hold {
        self.engine.move_on(&self.slot, &self.mapping, State::Enabled).await;
        // There is none when the source was looked for in vain before.
        let hold = self.parts().clock.hold();
        drop(self.slot.take_hold());
        hold
    }

    /// Says how the last batch went: `LastProcessingResult`. Stored only when it changes; without waiting.
    pub(crate) fn report(&self, result: &str) {
        self.engine.report(&self.slot, result);
    }

    /// Says that a batch is gathered until then, as long as what is returned is kept.
    pub(crate) fn gathers(&self, until: Timestamp, id: String) -> Wait {
        let resource = self.mapping.function.to_string();
        self.engine.waiting.begin(Due { at: until, what: "batching window ends".to_owned(), resource, id })
    }

    /// Whether making steps is in vain.
    pub(crate) fn is_untraced(&self) -> bool {
        self.parts().trace.is_overloaded()
    }

    /// Tells of something that happened to `subject`, a record or an invocation, at `resource`.
    pub(crate) fn trace(&self, subject: String, resource: String, what: What) {
        let Mapping { account, region, .. } = &*self.mapping;
        let (account, region) = (account.clone(), region.clone());
        let at = self.parts().clock.now();
        self.parts().trace.record(Step { at, account, region, subject, resource, what });
    }
}
