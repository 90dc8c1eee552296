//! Handing something over so that it is never nowhere: the receiver's writes join the sender's commit.

use std::fmt::{self, Debug};

use store::Transaction;

/// How a commit that a [`Prepared`] was part of ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is on disk.
    Committed,
    /// It was not applied.
    Abandoned,
    /// It may have been applied: the receiver looks at the store.
    Unknown,
}

/// What a receiver has to write to accept something. The sender adds `part` to its own transaction, commits, and says
/// how that ended; a `Prepared` that is dropped counts as abandoned. Nobody else sees the message before
/// [`Prepared::committed`].
#[must_use = "nothing is handed over before it is committed and settled"]
pub struct Prepared {
    /// The id under which the receiver knows it: a message's or a request's.
    pub id: String,
    /// The receiver's writes. Taken out by whoever commits.
    pub part: Transaction,
    settle: Option<Box<dyn FnOnce(Settled) + Send>>,
}

impl Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Prepared {
    /// `settle` is called exactly once, and must not wait.
    pub fn new(id: String, part: Transaction, settle: impl FnOnce(Settled) + Send + 'static) -> Self {
        Self { id, part, settle: Some(Box::new(settle)) }
    }

    /// The commit returned.
    pub fn committed(self) {
        self.settle(Settled::Committed);
    }

    /// Says how the commit ended.
    pub fn settle(mut self, settled: Settled) {
        if let Some(settle) = self.settle.take() {
            settle(settled);
        }
    }

    /// Moves the receiver's writes into the sender's transaction.
    pub fn join(&mut self, transaction: &mut Transaction) {
        let part = std::mem::take(&mut self.part);
        transaction.checks.extend(part.checks);
        transaction.mutations.extend(part.mutations);
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Some(settle) = self.settle.take() {
            settle(Settled::Abandoned);
        }
    }
}

/// A target that does not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There is no such thing.
    #[error("{0} does not exist")]
    NotFound(String),
    /// It will never accept this: too large, of the wrong kind, not permitted.
    #[error("{0}")]
    Refused(String),
    /// It may accept it later.
    #[error("{0}")]
    Unavailable(String),
}

impl TargetError {
    /// Whether trying again can help.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
