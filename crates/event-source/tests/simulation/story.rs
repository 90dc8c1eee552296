//! The journal, put in order for those who judge.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clock::Timestamp;

use crate::function::Kind;
use crate::journal::{Began, Ending, What};
use crate::settings::COLOR;
use crate::world::{Mine, Sent, World};

/// One invocation.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// The lines at which it began and ended; without an end it was cut off when its process ended.
    pub(crate) began: usize,
    pub(crate) ended: usize,
    pub(crate) at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) batch: Began,
    pub(crate) ending: Option<Ending>,
    pub(crate) done: BTreeSet<u64>,
}

impl Run {
    pub(crate) fn has(&self, n: u64) -> bool {
        self.batch.items.iter().any(|item| item.n == n)
    }

    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.began < other.ended && other.began < self.ended
    }
}

/// A message that left its queue.
#[derive(Debug, Clone)]
pub(crate) struct Removal {
    pub(crate) line: usize,
    pub(crate) queue: String,
    pub(crate) to: Option<String>,
}

pub(crate) struct Story {
    pub(crate) runs: Vec<Run>,
    pub(crate) removals: BTreeMap<u64, Vec<Removal>>,
    pub(crate) given_up: Vec<(usize, Timestamp, serde_json::Value)>,
    /// Per function: when it was stopped and allowed.
    pub(crate) pauses: Vec<(String, usize, usize)>,
    pub(crate) enabled: BTreeMap<String, (usize, Timestamp)>,
}

impl Story {
    pub(crate) fn new(world: &World) -> Self {
        let lines = world.outside.journal.lines();
        let mut story = Self {
            runs: Vec::new(),
            removals: BTreeMap::new(),
            given_up: Vec::new(),
            pauses: Vec::new(),
            enabled: BTreeMap::new(),
        };
        let mut open: BTreeMap<usize, usize> = BTreeMap::new();
        for (number, line) in lines.iter().enumerate() {
            match &line.what {
                What::Began(batch) => {
                    open.insert(number, story.runs.len());
                    story.runs.push(Run {
                        began: number,
                        ended: usize::MAX,
                        at: line.at,
                        ended_at: line.at,
                        batch: batch.clone(),
                        ending: None,
                        done: BTreeSet::new(),
                    });
                }
                What::Ended { began, ending, done } => {
                    let run = &mut story.runs[open.remove(began).unwrap()];
                    (run.ended, run.ended_at) = (number, line.at);
                    (run.ending, run.done) = (Some(ending.clone()), done.clone());
                }
                What::Killed => {
                    for (_, index) in std::mem::take(&mut open) {
                        (story.runs[index].ended, story.runs[index].ended_at) = (number, line.at);
                    }
                }
                What::Removed { queue, n, to } => story.removals.entry(*n).or_default().push(Removal {
                    line: number,
                    queue: queue.clone(),
                    to: to.clone(),
                }),
                What::GivenUp(record) => story.given_up.push((number, line.at, record.clone())),
                What::Stopped { function } => story.pauses.push((function.clone(), number, usize::MAX)),
                What::Allowed { function } => {
                    let pause = story.pauses.iter_mut().rfind(|(stopped, ..)| stopped == function).unwrap();
                    pause.2 = number;
                }
                What::Sent { .. } | What::Meddled { .. } => {}
                What::Enabled { function } => {
                    story.enabled.entry(function.clone()).or_insert((number, line.at));
                }
            }
        }
        story
    }

    /// Invocations of a mapping, in order.
    pub(crate) fn of<'a>(&'a self, mine: &'a Mine) -> impl Iterator<Item = &'a Run> + Clone {
        self.runs.iter().filter(|run| run.batch.function == mine.function())
    }

    /// The line at which one of these first succeeded with the record.
    pub(crate) fn success<'a>(runs: impl Iterator<Item = &'a Run>, n: u64) -> Option<usize> {
        runs.filter(|run| run.done.contains(&n)).map(|run| run.ended).min()
    }

    /// Rules of every mapping.
    pub(crate) fn check(&self, world: &World) {
        for (function, from, to) in &self.pauses {
            let run = self
                .runs
                .iter()
                .find(|run| run.batch.function == *function && (*from..*to).contains(&run.began));
            assert!(
                run.is_none(),
                "{function} ran while it was disabled or deleted, from {from} to {to}: {run:?}"
            );
        }
        for mine in &world.mappings {
            let batch_size_max = mine.history.iter().map(|mapping| mapping.batch_size).max().unwrap();
            for run in self.of(mine) {
                let batch = &run.batch;
                assert!(batch.items.len() <= usize::try_from(batch_size_max).unwrap(), "too large: {run:?}");
                assert!(
                    batch.payload_bytes <= 6 << 20,
                    "{} bytes: {:?}",
                    batch.payload_bytes,
                    batch.numbers()
                );
                assert!(
                    !batch.items.is_empty() || batch.window.as_ref().is_some_and(|window| window.is_final)
                );
                let numbers: BTreeSet<u64> = batch.numbers().into_iter().collect();
                assert_eq!(numbers.len(), batch.items.len(), "twice in a batch: {run:?}");
                for item in &batch.items {
                    let sent = world.sent_by_number(item.n);
                    assert!(is_wanted(mine, sent), "filtered out: {sent:?} in {run:?}");
                    assert!(world.sent.len() > usize::try_from(item.n).unwrap());
                }
                if !world.outside.time.is_running() && run.ending.is_some() {
                    assert_eq!(run.at, run.ended_at, "virtual time moved on while a function ran: {run:?}");
                }
            }
        }
    }
}

/// Whether the mapping's filter lets it through.
pub(crate) fn is_wanted(mine: &Mine, sent: &Sent) -> bool {
    mine.mapping.filters.is_empty() || sent.color == Some(COLOR)
}

pub(crate) fn is_good(sent: &Sent) -> bool {
    sent.kind == Kind::Good
}

/// Later than `by` after it was sent.
pub(crate) fn is_older(sent: &Sent, by: Duration, now: Timestamp) -> bool {
    now.saturating_since(sent.at) > by
}
