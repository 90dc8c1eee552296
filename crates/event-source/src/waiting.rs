//! What pollers wait for that no row tells of: batches that are gathered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use targets::Due;

/// Everything that is waited for. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<Waits>>);

#[derive(Debug, Default)]
struct Waits {
    all: BTreeMap<u64, Due>,
    last: u64,
}

/// One thing that is waited for, until this is dropped.
#[derive(Debug)]
pub(crate) struct Wait {
    waiting: Waiting,
    number: u64,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, due: Due) -> Wait {
        let mut waits = self.lock();
        waits.last += 1;
        let number = waits.last;
        waits.all.insert(number, due);
        Wait { waiting: self.clone(), number }
    }

    pub(crate) fn all(&self) -> Vec<Due> {
        self.lock().all.values().cloned().collect()
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.waiting.lock().all.remove(&self.number);
    }
}
