//! Who wants to hear of invocations.

use std::fmt::Debug;
use std::sync::Arc;

use clock::Timestamp;

use crate::Outcome;

/// Hears of each invocation that names it, whether or not its caller still waits: for figures. Must not wait.
pub trait Observe: Send + Sync + Debug {
    /// An invocation has its place, and takes it up until [`Observe::released`].
    fn admitted(&self, began: Timestamp);

    /// The place of an invocation that was admitted is free again.
    fn released(&self);

    /// An invocation found no place.
    fn throttled(&self, began: Timestamp);

    /// An invocation that was admitted has ended.
    fn ended(&self, began: Timestamp, outcome: &Outcome);
}

/// Held by an invocation that was admitted.
#[derive(Debug)]
pub(crate) struct Admission(Arc<dyn Observe>);

impl Admission {
    pub(crate) fn new(observer: &Arc<dyn Observe>, began: Timestamp) -> Self {
        observer.admitted(began);
        Self(observer.clone())
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.0.released();
    }
}
