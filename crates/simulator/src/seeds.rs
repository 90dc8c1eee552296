//! Which lives are simulated. `LAMBENT_SEEDS` says how many, `LAMBENT_SEED` repeats one.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Also those within tasks, which nobody would hear of.
    static PANICS: Cell<u32> = const { Cell::new(0) };
}

/// Simulates the life of one seed after the other: `usual` of them, if nothing else is asked for.
///
/// # Panics
/// When one of them panics, or a task of it on this thread; it says how to repeat it.
pub fn for_each_seed(usual: u64, mut simulate: impl FnMut(u64)) {
    count_panics();
    let seeds = match repeated_seed() {
        Some(seed) => seed..seed + 1,
        None => 0..number_from("LAMBENT_SEEDS").unwrap_or(usual),
    };
    for seed in seeds {
        PANICS.set(0);
        let simulated = catch_unwind(AssertUnwindSafe(|| simulate(seed)));
        assert!(simulated.is_ok() && PANICS.get() == 0, "the failing seed: LAMBENT_SEED={seed}");
    }
}

/// The only seed that is asked for, because somebody wants to see what goes on there.
#[must_use]
pub fn repeated_seed() -> Option<u64> {
    number_from("LAMBENT_SEED")
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            usual(panic);
        }));
    });
}

#[expect(clippy::disallowed_methods, reason = "how much is tested is said by who runs the test")]
fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_within_a_task_is_one() {
        let simulated = catch_unwind(|| {
            for_each_seed(1, |_| {
                let _nobody_heard = catch_unwind(|| panic!("within a task"));
            });
        });
        let panic = simulated.unwrap_err().downcast::<String>().unwrap();
        assert!(panic.contains("LAMBENT_SEED="), "{panic}");
    }
}
