//! Whole lives of event source mappings over real queues and streams, drawn from a seed: functions that are slow, fail,
//! answer nonsense, are throttled or never return, records that are poison, clients that send, reshard, disable, change
//! and delete, a store that fails, and processes that end at any moment. What is judged at the end is a journal of all
//! that the functions saw and all that was committed.
//!
//! `LAMBENT_SEEDS` says how many are run, `LAMBENT_SEED` repeats one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chance;
mod disk;
mod function;
mod journal;
mod process;
mod queue_rules;
mod settings;
mod story;
mod stream_rules;
mod window_rules;
mod world;

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::sync::Once;

use crate::chance::Chance;
use crate::settings::Draft;
use crate::story::Story;
use crate::stream_rules::Judge;
use crate::world::{Mode, World};

impl World {
    /// Only where nothing goes wrong.
    fn check_progress(&self) {
        let story = Story::new(self);
        self.check_queue_progress(&story);
        for judge in self.judges(&story) {
            judge.check_progress();
        }
    }

    fn judges<'a>(&'a self, story: &'a Story) -> impl Iterator<Item = Judge<'a>> {
        self.mappings.iter().filter_map(move |mine| Judge::new(self, story, mine))
    }

    fn check(&self) {
        let story = Story::new(self);
        story.check(self);
        self.check_queues(&story);
        for judge in self.judges(&story) {
            judge.check();
            judge.check_windows();
        }
    }
}

thread_local! {
    /// Also those within tasks, which nobody would hear of.
    static PANICS: Cell<u32> = const { Cell::new(0) };
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.with(|panics| panics.set(panics.get() + 1));
            usual(panic);
        }));
    });
}

#[expect(clippy::disallowed_methods, reason = "how much is tested is said by who runs the test")]
fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn simulate(usual: u64, draft: fn(&Chance, Mode) -> Draft) {
    count_panics();
    let only = number_from("LAMBENT_SEED");
    let seeds = match only {
        Some(seed) => seed..seed + 1,
        None => 0..number_from("LAMBENT_SEEDS").unwrap_or(usual),
    };
    for seed in seeds {
        PANICS.with(|panics| panics.set(0));
        let mut world = World::new(seed, draft);
        let simulated = std::panic::catch_unwind(AssertUnwindSafe(|| {
            world.run();
            world.check();
            assert_eq!(PANICS.with(Cell::get), 0, "a task has panicked");
        }));
        let journal = if only.is_some() { world.tell() } else { String::new() };
        assert!(simulated.is_ok(), "{journal}\nthe failing seed: LAMBENT_SEED={seed}");
    }
}

#[test]
fn messages_are_handled_in_order_and_none_is_lost() {
    simulate(150, settings::queues);
}

#[test]
fn records_are_handled_in_order_and_none_is_lost() {
    simulate(150, settings::streams);
}
