//! How many attempts of one function run at once: as many as are admitted.

/// Where a function begins.
const START: usize = 32;
/// After that many attempts without one that was turned away it is seen whether more are admitted by now.
const QUIET: u32 = 100;

/// Grows quickly up to where attempts were last turned away, and only now and then beyond, so that a function at its
/// limit is not hammered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    limit: usize,
    /// Where attempts were last turned away.
    known: usize,
    /// How many ran since, at that limit.
    quiet: u32,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { limit: START, known: usize::MAX, quiet: 0 }
    }

    pub(super) const fn limit(self) -> usize {
        self.limit
    }

    /// An attempt was admitted.
    pub(super) fn admitted(&mut self) {
        if self.limit < self.known {
            self.limit = self.limit.saturating_add(1);
            return;
        }
        self.quiet += 1;
        if self.quiet >= QUIET {
            *self = Self { limit: self.limit.saturating_add(1), known: usize::MAX, quiet: 0 };
        }
    }

    /// An attempt was turned away while `others` ran.
    pub(super) fn turned_away(&mut self, others: usize) {
        let limit = others.max(1);
        *self = Self { limit, known: limit, quiet: 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_back_to_what_is_admitted_and_asks_for_more_only_rarely() {
        let mut pace = Pace::new();
        pace.admitted();
        assert_eq!(pace.limit(), START + 1);
        pace.turned_away(5);
        pace.turned_away(0);
        assert_eq!(pace.limit(), 1);
        for _ in 1..QUIET {
            pace.admitted();
        }
        assert_eq!(pace.limit(), 1);
        pace.admitted();
        assert_eq!(pace.limit(), 2);
        pace.turned_away(1);
        assert_eq!(pace.limit(), 1);
    }
}
