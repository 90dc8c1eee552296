//! Chance, drawn from a seed.

use std::sync::Arc;

use ids::IdSource;

use crate::pass_turns;

/// Draws that come out the same whenever their seed does.
#[derive(Debug, Clone)]
pub struct Chance(Arc<IdSource>);

impl Chance {
    /// All of one run.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(IdSource::seeded(seed)))
    }

    /// For one part of the run, so that a draw more there does not shift what others draw.
    #[must_use]
    pub fn split(&self) -> Self {
        Self(self.ids())
    }

    /// The ids of one part of the run.
    #[must_use]
    pub fn ids(&self) -> Arc<IdSource> {
        Arc::new(self.0.split())
    }

    /// From 0 to below `end`.
    #[must_use]
    pub fn below(&self, end: u64) -> u64 {
        self.0.bits() % end
    }

    /// What is true so many times in a hundred.
    #[must_use]
    pub fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    #[must_use]
    pub fn pick<T: Clone>(&self, from: &[T]) -> T {
        let index = self.below(from.len() as u64);
        from[usize::try_from(index).unwrap_or(0)].clone()
    }

    /// Others go first; a process may end here.
    pub async fn dawdle(&self, turns_max: u64) {
        pass_turns(self.below(turns_max + 1)).await;
    }
}
