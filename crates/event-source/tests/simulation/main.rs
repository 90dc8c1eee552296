//! Whole lives of event source mappings over real queues and streams, drawn from a seed: functions that are slow, fail,
//! answer nonsense, are throttled or never return, records that are poison, clients that send, reshard, disable, change
//! and delete, a store that fails, and processes that end at any moment. What is judged at the end is a journal of all
//! that the functions saw and all that was committed. It is told when `LAMBENT_SEED` asks for one life.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod disk;
mod function;
mod journal;
mod process;
mod queue_rules;
mod settings;
mod story;
mod stream_rules;
mod time;
mod window_rules;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use simulator::{Chance, for_each_seed, repeated_seed};

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

#[expect(clippy::print_stderr, reason = "who repeats a seed wants to see what happens")]
fn simulate(usual: u64, draft: fn(&Chance, Mode) -> Draft) {
    for_each_seed(usual, |seed| {
        let mut world = World::new(seed, draft);
        let simulated = catch_unwind(AssertUnwindSafe(|| {
            world.run();
            world.check();
        }));
        if repeated_seed().is_some() {
            eprintln!("{}", world.tell());
        }
        if let Err(panic) = simulated {
            resume_unwind(panic);
        }
    });
}

#[test]
fn messages_are_handled_in_order_and_none_is_lost() {
    simulate(150, settings::queues);
}

#[test]
fn records_are_handled_in_order_and_none_is_lost() {
    simulate(150, settings::streams);
}
