//! One mapping in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clock::Hold;
use tokio::sync::Mutex as AsyncMutex;

use crate::stop::Stop;
use crate::{Mapping, State};

/// One mapping in memory, and who works for it.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Taken by whoever writes the mapping's rows.
    pub(crate) turn: Arc<AsyncMutex<()>>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// As it is stored, but for the result of the last batch, which may be newer.
    mapping: Arc<Mapping>,
    /// Ends the run.
    stop: Option<Stop>,
    /// Virtual time stands still until a change has been seen to.
    hold: Hold,
    is_supervised: bool,
    /// The result of the last batch is being stored.
    is_reporting: bool,
    is_gone: bool,
}

impl Slot {
    pub(crate) fn new(mapping: Mapping, hold: Hold) -> Self {
        let inner = Inner {
            mapping: Arc::new(mapping),
            stop: None,
            hold,
            is_supervised: false,
            is_reporting: false,
            is_gone: false,
        };
        Self { turn: Arc::default(), inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As it is now.
    pub(crate) fn mapping(&self) -> Arc<Mapping> {
        self.lock().mapping.clone()
    }

    /// Whether its rows are gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.lock().is_gone
    }

    /// Its state was stored. Whoever polls goes on.
    pub(crate) fn moved_on(&self, mut new: Mapping) {
        let mut inner = self.lock();
        new.last_processing_result.clone_from(&inner.mapping.last_processing_result);
        inner.mapping = Arc::new(new);
    }

    /// A caller's change was stored. Whoever polls comes to an end.
    pub(crate) fn changed(&self, new: Mapping, hold: Hold) {
        self.moved_on(new);
        let mut inner = self.lock();
        inner.hold = hold;
        if let Some(stop) = inner.stop.take() {
            stop.tell();
        }
    }

    /// Begins a run with the mapping as it is now: a later change will stop it.
    pub(crate) fn begin(&self, stop: Stop) -> Arc<Mapping> {
        let mut inner = self.lock();
        inner.stop = Some(stop);
        inner.mapping.clone()
    }

    /// Keeps virtual time still, for whoever begins to work for it; where somebody does already, it is not needed.
    pub(crate) fn keep(&self, hold: Hold) {
        let mut inner = self.lock();
        if !inner.is_supervised {
            inner.hold = hold;
        }
    }

    /// Keeps virtual time still, for who works for it.
    pub(crate) fn hold(&self, hold: Hold) {
        self.lock().hold = hold;
    }

    /// Who takes it decides how long virtual time stands still.
    pub(crate) fn take_hold(&self) -> Hold {
        std::mem::take(&mut self.lock().hold)
    }

    /// Whether it needs somebody to work for it, and nobody does: then the caller must see to it.
    pub(crate) fn wants_supervisor(&self) -> bool {
        let mut inner = self.lock();
        if inner.is_supervised || inner.mapping.state == State::Disabled {
            // Nothing follows.
            if !inner.is_supervised {
                inner.hold = Hold::none();
            }
            return false;
        }
        inner.is_supervised = true;
        true
    }

    /// Whether nothing is left to be done for it: then nobody works for it any more.
    pub(crate) fn leave(&self) -> bool {
        let mut inner = self.lock();
        if inner.mapping.state != State::Disabled && !inner.is_gone {
            return false;
        }
        inner.is_supervised = false;
        inner.hold = Hold::none();
        true
    }

    /// Its rows are gone.
    pub(crate) fn forget(&self) {
        self.lock().is_gone = true;
    }

    /// Notes how the last batch went. Whether the caller must see to it that it is stored.
    pub(crate) fn note(&self, result: &str) -> bool {
        let mut inner = self.lock();
        if inner.mapping.last_processing_result.as_deref() == Some(result) {
            return false;
        }
        Arc::make_mut(&mut inner.mapping).last_processing_result = Some(result.to_owned());
        !std::mem::replace(&mut inner.is_reporting, true)
    }

    /// Whether what was stored is still so: then nobody sees to it any more.
    pub(crate) fn has_noted(&self, stored: Option<&str>) -> bool {
        let mut inner = self.lock();
        let is_same = inner.is_gone || inner.mapping.last_processing_result.as_deref() == stored;
        inner.is_reporting = !is_same;
        is_same
    }
}
