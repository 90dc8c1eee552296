//! What happens from now on, for whoever turns the clock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use targets::Step;

/// Steps that a watch holds; what comes on top is counted.
const WATCH_STEPS_MAX: usize = 10_000;

/// Steps in the order in which they were recorded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Happened {
    /// The steps.
    pub steps: Vec<Step>,
    /// How many more there were.
    pub left_out: u64,
}

/// Collects every step that is recorded while it lives.
#[derive(Debug)]
pub struct Watch {
    journal: Arc<Mutex<Happened>>,
    watchers: Arc<Watchers>,
}

impl Watch {
    /// What was recorded since the watch began, or since the last call.
    #[must_use]
    pub fn take(&self) -> Happened {
        std::mem::take(&mut *lock(&self.journal))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut journals = lock(&self.watchers.journals);
        journals.retain(|journal| !Arc::ptr_eq(journal, &self.journal));
        self.watchers.count.store(journals.len(), Ordering::Release);
    }
}

/// Everyone who watches.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    /// Spares the lock where nobody does.
    count: AtomicUsize,
    journals: Mutex<Vec<Arc<Mutex<Happened>>>>,
}

impl Watchers {
    pub(crate) fn watch(self: &Arc<Self>) -> Watch {
        let journal = Arc::default();
        let mut journals = lock(&self.journals);
        journals.push(Arc::clone(&journal));
        self.count.store(journals.len(), Ordering::Release);
        Watch { journal, watchers: Arc::clone(self) }
    }

    /// Whether anybody watches.
    pub(crate) fn any(&self) -> bool {
        self.count.load(Ordering::Acquire) > 0
    }

    pub(crate) fn tell(&self, step: &Step) {
        if !self.any() {
            return;
        }
        for journal in &*lock(&self.journals) {
            let mut journal = lock(journal);
            if journal.steps.len() < WATCH_STEPS_MAX {
                journal.steps.push(step.clone());
            } else {
                journal.left_out += 1;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
