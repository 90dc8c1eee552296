//! Which packages must not be removed now.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::PackageKey;

#[derive(Debug, Clone, Default)]
pub(crate) struct Pins {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    held: HashMap<PackageKey, usize>,
    /// All that were pinned at any moment since the current sweep began: a reference to one of them may have been
    /// committed after the sweep looked.
    since_sweep: HashSet<PackageKey>,
}

/// Keeps a package from being removed until it is dropped.
#[derive(Debug)]
pub struct Pin {
    key: PackageKey,
    pins: Pins,
}

impl Pins {
    pub(crate) fn pin(&self, key: &PackageKey) -> Pin {
        let mut state = self.lock();
        *state.held.entry(key.clone()).or_default() += 1;
        state.since_sweep.insert(key.clone());
        Pin { key: key.clone(), pins: self.clone() }
    }

    /// To be called before anybody is asked what is referred to.
    pub(crate) fn start_sweep(&self) {
        let mut state = self.lock();
        state.since_sweep = state.held.keys().cloned().collect();
    }

    /// Runs `action` unless the package is or was pinned during this sweep; none can be pinned meanwhile.
    pub(crate) fn unless_pinned<R>(&self, key: &PackageKey, action: impl FnOnce() -> R) -> Option<R> {
        let state = self.lock();
        (!state.since_sweep.contains(key)).then(action)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut state = self.pins.lock();
        if let Some(count) = state.held.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                state.held.remove(&self.key);
            }
        }
    }
}
