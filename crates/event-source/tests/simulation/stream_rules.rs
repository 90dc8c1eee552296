//! What holds for mappings of streams.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clock::Timestamp;
use event_source::{Polling, Start, StreamPolling};
use serde_json::Value;
use stream::{SequenceNumber, ShardId};

use crate::function::Kind;
use crate::journal::Ending;
use crate::story::{Run, Story, is_good, is_older, is_wanted};
use crate::world::{Mine, Mode, Place, Sent, World};

/// What the clocks of records and of the journal may differ by.
const TICK: Duration = Duration::from_millis(2);

fn polling(mine: &Mine) -> Option<&StreamPolling> {
    match &mine.mapping.polling {
        Polling::Stream(polling) => Some(polling),
        Polling::Queue(_) => None,
    }
}

fn history(mine: &Mine) -> impl Iterator<Item = &StreamPolling> + Clone {
    mine.history.iter().filter_map(|mapping| match &mapping.polling {
        Polling::Stream(polling) => Some(polling),
        Polling::Queue(_) => None,
    })
}

/// A batch that was given up, and what is said of it.
#[derive(Debug, Clone)]
pub(crate) struct GivenUp {
    pub(crate) line: usize,
    pub(crate) at: Timestamp,
    pub(crate) numbers: BTreeSet<u64>,
    /// It was never run: these may be more than there were, or others.
    pub(crate) is_vague: bool,
    pub(crate) condition: String,
    pub(crate) invoke_count: u64,
    pub(crate) record: Value,
}

/// One mapping of a stream, judged.
pub(crate) struct Judge<'a> {
    pub(crate) world: &'a World,
    pub(crate) mine: &'a Mine,
    pub(crate) polling: &'a StreamPolling,
    pub(crate) runs: Vec<&'a Run>,
    pub(crate) places: BTreeMap<u64, (ShardId, SequenceNumber)>,
    pub(crate) successes: BTreeMap<u64, usize>,
    pub(crate) given_up: Vec<GivenUp>,
    pub(crate) retention: Duration,
    enabled: Option<(usize, Timestamp)>,
    /// All shards that come before one, and itself.
    ancestors: BTreeMap<ShardId, BTreeSet<ShardId>>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(world: &'a World, story: &'a Story, mine: &'a Mine) -> Option<Self> {
        let polling = polling(mine)?;
        let runs: Vec<&Run> = story.of(mine).collect();
        let stream = mine.mapping.source.resource.split('/').nth(1).unwrap();
        let mut places: BTreeMap<u64, (ShardId, SequenceNumber)> = BTreeMap::new();
        for sent in world.sent.iter().filter(|sent| sent.source == stream) {
            if let Some(Place::Shard(shard, sequence_number)) = sent.acknowledged {
                places.insert(sent.n, (shard, sequence_number));
            }
        }
        let mut successes: BTreeMap<u64, usize> = BTreeMap::new();
        for run in &runs {
            for item in &run.batch.items {
                let place = (ShardId::parse(&item.shard).unwrap(), item.id.parse().unwrap());
                let known = *places.entry(item.n).or_insert(place);
                assert_eq!(known, place, "{item:?} came from elsewhere");
            }
            for n in &run.done {
                let line = successes.entry(*n).or_insert(run.ended);
                *line = run.ended.min(*line);
            }
        }
        let mut judge = Self {
            enabled: story.enabled.get(mine.function()).copied(),
            retention: world.outside.streams.lock().unwrap()[stream].retention,
            ancestors: ancestors(world, stream),
            given_up: Vec::new(),
            world,
            mine,
            polling,
            runs,
            places,
            successes,
        };
        judge.given_up =
            story.given_up.iter().filter_map(|(line, at, record)| judge.read(*line, *at, record)).collect();
        Some(judge)
    }

    /// Which records a record of a given up batch is about.
    fn read(&self, line: usize, at: Timestamp, record: &Value) -> Option<GivenUp> {
        let context = &record["requestContext"];
        if context["functionArn"] != self.mine.mapping.function.to_string() {
            return None;
        }
        let info = &record["KinesisBatchInfo"];
        let shard = ShardId::parse(info["shardId"].as_str().unwrap()).unwrap();
        let number = |name: &str| info[name].as_str().unwrap().parse::<SequenceNumber>().unwrap();
        let (start, end) = (number("startSequenceNumber"), number("endSequenceNumber"));
        let size = usize::try_from(info["batchSize"].as_u64().unwrap()).unwrap();
        // The end of a batch, of which a partial response may have done the beginning.
        let rest = |run: &&Run| -> Option<BTreeSet<u64>> {
            let items = &run.batch.items[run.batch.items.len().checked_sub(size)?..];
            let place = |index: usize| self.places[&items[index].n];
            let is_it = run.began < line && place(0) == (shard, start) && place(size - 1) == (shard, end);
            is_it.then(|| items.iter().map(|item| item.n).collect())
        };
        let tried = self.runs.iter().rev().find_map(rest);
        let has_lanes = history(self.mine).any(|polling| polling.parallelization_factor > 1);
        // Of a window that is too old to be closed, all records are named that were in it.
        let may_be_window = !self.polling.tumbling_window.is_zero();
        let is_vague = tried.is_none() && (has_lanes || may_be_window);
        let numbers: BTreeSet<u64> = match tried {
            Some(numbers) => numbers,
            // It was never run: too old when it came.
            None => {
                let is_inside = |(_, place): &(&u64, &(ShardId, SequenceNumber))| {
                    place.0 == shard && (start..=end).contains(&place.1)
                };
                let inside = self.places.iter().filter(is_inside).map(|(n, _)| *n);
                inside.filter(|n| is_wanted(self.mine, self.world.sent_by_number(*n))).collect()
            }
        };
        Some(GivenUp {
            line,
            at,
            numbers,
            is_vague,
            condition: context["condition"].as_str().unwrap().to_owned(),
            invoke_count: context["approximateInvokeCount"].as_u64().unwrap(),
            record: record.clone(),
        })
    }

    /// Whether the mapping begins before it: surely, surely not, or perhaps.
    fn is_after_start(&self, sent: &Sent) -> Option<bool> {
        match self.polling.start {
            Start::TrimHorizon => Some(true),
            Start::AtTimestamp(at) => Some(sent.at >= at),
            Start::Latest if self.mine.created.is_none_or(|created| sent.line < created) => Some(false),
            Start::Latest => self.enabled.filter(|(enabled, _)| sent.line >= *enabled).map(|_| true),
        }
    }

    fn may_be_too_old(&self, sent: &Sent, now: Timestamp) -> bool {
        let ages = history(self.mine).filter_map(|polling| polling.maximum_record_age);
        ages.min().is_some_and(|age| is_older(sent, age, now + TICK))
    }

    fn has_expired(&self, sent: &Sent, now: Timestamp) -> bool {
        is_older(sent, self.retention, now + TICK)
    }

    /// A piece with it was tried as often as may be, without anybody being told.
    fn may_be_exhausted(&self, n: u64, before: usize) -> bool {
        let Some(retries) = history(self.mine).filter_map(|polling| polling.maximum_retry_attempts).min()
        else {
            return false;
        };
        let mut pieces: BTreeMap<Vec<u64>, u32> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| run.has(n) && run.ended < before && run.ending.is_some()) {
            *pieces.entry(run.batch.numbers()).or_default() += 1;
        }
        pieces.values().any(|count| *count > retries)
    }

    /// Somebody was told that it was given up, or nobody is told.
    pub(crate) fn may_be_given_up(&self, n: u64) -> bool {
        let has_limits = history(self.mine)
            .any(|polling| polling.maximum_retry_attempts.is_some() || polling.maximum_record_age.is_some());
        self.given_up.iter().any(|batch| batch.numbers.contains(&n))
            || self.polling.on_failure.is_none() && has_limits
    }

    /// Nothing more is to be done with it.
    fn is_through(&self, sent: &Sent, line: usize, now: Timestamp) -> bool {
        !is_wanted(self.mine, sent)
            || self.is_after_start(sent) != Some(true)
            || self.successes.get(&sent.n).is_some_and(|success| *success < line)
            || self.given_up.iter().any(|batch| batch.line < line && batch.numbers.contains(&sent.n))
            || self.has_expired(sent, now)
            || self.polling.on_failure.is_none()
                && (self.may_be_exhausted(sent.n, line) || self.may_be_too_old(sent, now))
    }

    /// Whether the first must be through before the second begins.
    fn is_ahead(&self, first: &Sent, second: &Sent) -> bool {
        let (Some(one), Some(two)) = (self.places.get(&first.n), self.places.get(&second.n)) else {
            return false;
        };
        let has_lanes = history(self.mine).any(|polling| polling.parallelization_factor > 1);
        one.1 < two.1
            && self.ancestors[&two.0].contains(&one.0)
            && (!has_lanes || first.group == second.group)
    }

    fn records(&self) -> impl Iterator<Item = &'a Sent> + '_ {
        self.world.sent.iter().filter(|sent| self.places.contains_key(&sent.n))
    }

    pub(crate) fn check(&self) {
        self.check_runs();
        self.check_order();
        self.check_lanes();
        self.check_given_up();
        self.check_exactness();
        let end = self.world.now();
        for sent in self.records().filter(|_| self.mine.is_there) {
            assert!(self.is_through(sent, usize::MAX, end), "{sent:?} was lost on {:?}", self.mine);
        }
    }

    fn check_runs(&self) {
        let ages: Vec<Option<Duration>> =
            history(self.mine).map(|polling| polling.maximum_record_age).collect();
        let age_max =
            ages.iter().copied().collect::<Option<Vec<Duration>>>().and_then(|ages| ages.into_iter().max());
        for run in &self.runs {
            for item in &run.batch.items {
                let sent = self.world.sent_by_number(item.n);
                assert_ne!(self.is_after_start(sent), Some(false), "{sent:?} is before the start: {run:?}");
                if let Some(age) = age_max {
                    assert!(
                        !is_older(sent, age + TICK, run.at),
                        "{sent:?} is too old at {}: {run:?}",
                        run.at
                    );
                }
            }
            let places: Vec<_> = run.batch.items.iter().map(|item| self.places[&item.n]).collect();
            assert!(places.is_sorted() && places.iter().all(|place| place.0 == places[0].0), "{run:?}");
        }
    }

    fn check_order(&self) {
        for run in &self.runs {
            for (index, item) in run.batch.items.iter().enumerate() {
                let sent = self.world.sent_by_number(item.n);
                for other in self.records().filter(|other| self.is_ahead(other, sent)) {
                    let in_batch = run.batch.items[..index].iter().any(|before| before.n == other.n);
                    assert!(
                        in_batch || self.is_through(other, run.began, run.at),
                        "{item:?} in line {} is ahead of {other:?}",
                        run.began
                    );
                }
            }
        }
    }

    /// One batch at a time per shard or, with parallelization, per partition key.
    fn check_lanes(&self) {
        let factor = history(self.mine).map(|polling| polling.parallelization_factor).max().unwrap();
        let keys = |run: &Run| -> BTreeSet<String> {
            run.batch.items.iter().map(|item| self.world.sent_by_number(item.n).group.clone()).collect()
        };
        for run in self.runs.iter().filter(|run| !run.batch.items.is_empty()) {
            let beside = self.runs.iter().filter(|other| {
                other.began < run.began
                    && run.began < other.ended
                    && other.batch.items.first().is_some_and(|item| item.shard == run.batch.items[0].shard)
            });
            let beside: Vec<_> = beside.collect();
            assert!(beside.len() < factor as usize, "{run:?} beside {beside:?}");
            for other in beside {
                assert!(keys(run).is_disjoint(&keys(other)), "two batches of a key: {run:?} {other:?}");
            }
        }
    }

    fn check_given_up(&self) {
        for batch in &self.given_up {
            match batch.condition.as_str() {
                "RetryAttemptsExhausted" => {
                    assert!(history(self.mine).any(|polling| polling.maximum_retry_attempts.is_some()));
                    assert!(batch.record["responseContext"].is_object(), "{batch:?}");
                }
                "RecordAgeExceeded" => {
                    let age = history(self.mine).filter_map(|polling| polling.maximum_record_age).min();
                    let Some(age) = age else { panic!("no age is set: {batch:?}") };
                    for n in batch.numbers.iter().filter(|_| !batch.is_vague) {
                        let sent = self.world.sent_by_number(*n);
                        assert!(is_older(sent, age, batch.at + TICK), "{sent:?} is too young for {batch:?}");
                    }
                }
                _ => panic!("{batch:?}"),
            }
            assert!(self.polling.on_failure.is_some(), "{batch:?}");
            let size = batch.record["KinesisBatchInfo"]["batchSize"].as_u64();
            // Where the store fails there may be records that nobody knows of.
            let is_known = !batch.is_vague && matches!(self.world.mode, Mode::Calm | Mode::Noisy);
            assert!(!is_known || size == Some(batch.numbers.len() as u64), "{batch:?}");
            let arn = batch.record["KinesisBatchInfo"]["streamArn"].as_str().unwrap();
            assert!(arn.ends_with("stream/s"), "{arn}");
        }
    }

    /// Where nothing goes wrong but the function, and nobody changes the settings, everything is known.
    fn check_exactness(&self) {
        for sent in self.records().filter(|_| self.world.is_reliable()) {
            let successes = self.runs.iter().filter(|run| run.done.contains(&sent.n)).count();
            assert!(successes <= 1, "{sent:?}: {successes} successes");
        }
        if self.world.mode != Mode::Calm || !self.mine.is_steady() {
            return;
        }
        for sent in self.records() {
            let successes = self.runs.iter().filter(|run| run.done.contains(&sent.n)).count();
            let given_up =
                self.given_up.iter().filter(|batch| !batch.is_vague && batch.numbers.contains(&sent.n));
            let given_up = given_up.count();
            assert!(successes + given_up <= 1, "{sent:?}: {successes} successes, given up {given_up} times");
        }
        let polling = self.polling;
        let mut pieces: BTreeMap<Vec<u64>, u32> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| !run.batch.items.is_empty()) {
            *pieces.entry(run.batch.numbers()).or_default() += 1;
            let count = pieces[&run.batch.numbers()];
            if let Some(retries) = polling.maximum_retry_attempts {
                assert!(count <= retries + 1, "{count} attempts with {retries} retries: {run:?}");
            }
            if polling.bisects_batch_on_function_error && run.batch.items.len() > 1 {
                let again = self.runs.iter().filter(|other| other.batch.numbers() == run.batch.numbers());
                let errors = again.filter(|other| other.ending == Some(Ending::Error)).count();
                assert!(errors <= 1, "a batch that failed was not halved: {run:?}");
            }
        }
        for batch in self.given_up.iter().filter(|batch| batch.condition == "RetryAttemptsExhausted") {
            let numbers: Vec<u64> = batch.numbers.iter().copied().collect();
            let retries = polling.maximum_retry_attempts.unwrap();
            assert_eq!(batch.invoke_count, u64::from(retries) + 1, "{batch:?}");
            if self.mine.mapping.reports_batch_item_failures {
                let tries = self.runs.iter().filter(|run| run.batch.numbers().ends_with(&numbers)).count();
                assert!(tries > retries as usize, "{tries} attempts: {batch:?}");
            } else {
                let tries = pieces.get(&numbers).map_or(0, |tries| *tries as usize);
                assert_eq!(tries, retries as usize + 1, "{batch:?}");
            }
            if polling.bisects_batch_on_function_error && !self.mine.mapping.reports_batch_item_failures {
                assert_eq!(numbers.len(), 1, "more than the poison was given up: {batch:?}");
                let kind = self.world.sent_by_number(numbers[0]).kind;
                let fails = matches!(kind, Kind::Flaky(times) if times > retries) || kind == Kind::Poison;
                assert!(fails, "a good record was given up: {batch:?}");
            }
        }
    }

    /// Nothing that can be done waits for the time to move on.
    pub(crate) fn check_progress(&self) {
        let is_polling = self.mine.is_there && self.mine.is_steady() && self.mine.mapping.is_enabled;
        let Some((_, enabled_at)) = self.enabled.filter(|_| is_polling) else { return };
        let now = self.world.now();
        for sent in self.records() {
            // The next batch is gathered once the last one has run.
            let shard = self.places[&sent.n].0.to_string();
            let of_shard = |run: &&&Run| run.batch.items.iter().any(|item| item.shard == shard);
            let ran_at = self.runs.iter().rfind(of_shard).map_or(sent.at, |run| run.ended_at);
            let from = sent.at.max(enabled_at).max(ran_at);
            let waits = from + self.mine.mapping.batching_window > now;
            // What is too old is gathered, too, before it is given up.
            let is_over = self.polling.maximum_record_age.is_some_and(|age| sent.at + age <= now);
            if waits || is_over || self.is_through(sent, usize::MAX, now) || !is_good(sent) {
                continue;
            }
            let shards = &self.ancestors[&self.places[&sent.n].0];
            let is_blocked = self.records().any(|other| {
                shards.contains(&self.places[&other.n].0)
                    && !is_good(other)
                    && !self.is_through(other, usize::MAX, now)
            });
            assert!(is_blocked, "at {now} nobody has seen to {sent:?}");
        }
    }
}

/// What comes before each shard of a stream, and itself.
fn ancestors(world: &World, stream: &str) -> BTreeMap<ShardId, BTreeSet<ShardId>> {
    let mut all: BTreeMap<ShardId, BTreeSet<ShardId>> = BTreeMap::new();
    // Parents have smaller numbers.
    for shard in world.shards.iter().filter(|((name, _), _)| name == stream).map(|(_, shard)| shard) {
        let mut mine = BTreeSet::from([shard.id]);
        for parent in [shard.parent, shard.adjacent_parent].into_iter().flatten() {
            mine.extend(all.get(&parent).cloned().unwrap_or_default());
        }
        all.insert(shard.id, mine);
    }
    all
}
