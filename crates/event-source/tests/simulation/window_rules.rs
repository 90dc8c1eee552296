//! What holds for tumbling windows.

use std::collections::{BTreeMap, BTreeSet};

use clock::Timestamp;
use stream::ShardId;

use crate::journal::Ending;
use crate::story::Run;
use crate::stream_rules::Judge;
use crate::world::Mode;

impl Judge<'_> {
    /// The state of each window is what was folded of its records in their order, and comes to the function a last
    /// time once.
    pub(crate) fn check_windows(&self) {
        let length = self.polling.tumbling_window;
        let mut shards: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
        for run in &self.runs {
            assert_eq!(run.batch.window.is_some(), !length.is_zero(), "{run:?}");
            if let Some(window) = &run.batch.window {
                shards.entry(&window.shard).or_default().push(run);
                let start = window.start.as_micros();
                assert_eq!(u128::try_from(start).unwrap() % length.as_micros(), 0, "not aligned: {run:?}");
                assert_eq!(window.start + length, window.end);
                // There is never much state: only the end of a shard cuts a window short.
                let is_closed = self.is_closed(&window.shard);
                assert!(!window.is_terminated_early || is_closed, "{run:?}");
                for item in &run.batch.items {
                    let at = self.world.sent_by_number(item.n).at;
                    assert_eq!(item.shard, window.shard);
                    assert!(window.start <= at && at < window.end, "{item:?} of {at} is not of {window:?}");
                }
            }
        }
        for runs in shards.values() {
            self.check_shard(runs);
        }
    }

    fn is_closed(&self, shard: &str) -> bool {
        let shard = ShardId::parse(shard).unwrap();
        self.world.shards.values().any(|known| known.id == shard && known.closed.is_some())
    }

    fn check_shard(&self, runs: &[&Run]) {
        let mut windows: BTreeMap<Timestamp, Vec<&Run>> = BTreeMap::new();
        let mut latest = Timestamp::UNIX_EPOCH;
        for run in runs {
            let window = run.batch.window.as_ref().unwrap();
            if self.world.mode == Mode::Calm {
                assert!(window.start >= latest, "windows overlap: {run:?}");
            }
            latest = latest.max(window.start);
            windows.entry(window.start).or_default().push(run);
        }
        for runs in windows.values() {
            self.check_window(runs);
        }
    }

    fn check_window(&self, runs: &[&Run]) {
        let by_place = |n: &u64| self.places[n];
        let mut done: Vec<u64> = runs.iter().flat_map(|run| run.done.iter().copied()).collect();
        done.sort_by_key(by_place);
        done.dedup();
        for run in runs {
            let window = run.batch.window.as_ref().unwrap();
            let folded: Vec<u64> = window.state.iter().copied().chain(run.batch.numbers()).collect();
            assert!(folded.is_sorted_by_key(by_place), "out of order: {run:?}");
            assert_eq!(folded.iter().collect::<BTreeSet<_>>().len(), folded.len(), "folded twice: {run:?}");
            for n in &window.state {
                let success = self.successes.get(n).copied();
                assert!(success.is_some_and(|line| line < run.began), "{n} is no success: {run:?}");
            }
            // What has succeeded and comes before the last of these is among them.
            let last = folded.last().map(by_place);
            let is_before = |n: &u64| Some(by_place(n)) <= last && self.successes[n] < run.began;
            let missing = done.iter().find(|n| is_before(n) && self.stays_done(**n) && !folded.contains(n));
            assert_eq!(missing, None, "the state lacks it: {run:?}");
        }
        let finals: Vec<&&Run> = runs
            .iter()
            .filter(|run| run.batch.window.as_ref().unwrap().is_final && run.ending == Some(Ending::Success))
            .collect();
        for last in &finals {
            let state = &last.batch.window.as_ref().unwrap().state;
            let folded: Vec<u64> = state.iter().copied().chain(last.batch.numbers()).collect();
            let expected: Vec<u64> =
                done.iter().copied().filter(|n| folded.contains(n) || self.stays_done(*n)).collect();
            assert_eq!(folded, expected, "the last state is not all of the window: {last:?}");
        }
        // The end itself may become too old, and fail too often where functions fail by chance.
        let may_be_too_often = self.polling.maximum_retry_attempts.is_some() && self.world.mode != Mode::Calm;
        let is_lasting = self.polling.maximum_record_age.is_none() && !may_be_too_often;
        let is_sure = is_lasting && self.mine.is_steady();
        if self.mine.is_there && !done.is_empty() && is_sure {
            assert!(!finals.is_empty(), "the window had no end: {runs:?}");
        }
        if self.world.mode == Mode::Calm {
            assert!(finals.len() <= 1, "the window ended {} times: {finals:?}", finals.len());
            let end = finals.first().map_or(usize::MAX, |last| last.ended);
            assert!(runs.iter().all(|run| run.began < end), "something comes after the end: {runs:?}");
        }
    }
    /// What was done just before a process ended is tried again, and may be given up then.
    fn stays_done(&self, n: u64) -> bool {
        self.world.mode != Mode::Crashes || !self.may_be_given_up(n)
    }
}
