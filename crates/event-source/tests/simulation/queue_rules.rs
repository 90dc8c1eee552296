//! What holds for mappings of queues.

use std::collections::BTreeSet;

use event_source::{Polling, QueuePolling};

use crate::disk::rows;
use crate::story::{Run, Story, is_good, is_wanted};
use crate::world::{Mine, Mode, Place, Sent, World};

fn polling(mine: &Mine) -> Option<&QueuePolling> {
    match &mine.mapping.polling {
        Polling::Queue(polling) => Some(polling),
        Polling::Stream(_) => None,
    }
}

/// The mappings of a queue.
fn mappings<'a>(world: &'a World, queue: &'a str) -> impl Iterator<Item = &'a Mine> + Clone {
    world.mappings.iter().filter(move |mine| polling(mine).is_some() && mine.mapping.source.resource == queue)
}

/// Invocations with messages of a queue.
fn runs<'a>(world: &'a World, story: &'a Story, queue: &'a str) -> impl Iterator<Item = &'a Run> + Clone {
    mappings(world, queue).flat_map(|mine| story.of(mine))
}

fn settings(world: &World, queue: &str) -> queue::Settings {
    world.outside.queues.lock().unwrap()[queue].clone()
}

/// Somebody wants it.
fn has_taker(world: &World, sent: &Sent) -> bool {
    mappings(world, &sent.source).any(|mine| is_wanted(mine, sent))
}

impl World {
    /// Nothing that can be done waits for the time to move on. Only where nothing goes wrong.
    pub(crate) fn check_queue_progress(&self, story: &Story) {
        if self.outside.time.is_running() {
            return;
        }
        for sent in self.sent.iter().filter(|sent| sent.acknowledged.is_some()) {
            let is_fifo = sent.source.ends_with(".fifo");
            let takers: Vec<&Mine> = mappings(self, &sent.source).collect();
            let is_polled = !takers.is_empty()
                && takers.iter().all(|mine| mine.is_there && mine.is_steady() && mine.mapping.is_enabled);
            let waits = takers.iter().any(|mine| {
                let from = story.enabled.get(mine.function()).map_or(self.now(), |(_, at)| *at).max(sent.at);
                from + mine.mapping.batching_window > self.now()
            });
            let is_behind = is_fifo
                && self.sent.iter().any(|other| {
                    other.source == sent.source
                        && other.group == sent.group
                        && other.n < sent.n
                        && !is_good(other)
                        && !story.removals.contains_key(&other.n)
                });
            if !is_polled || waits || is_behind {
                continue;
            }
            let was_seen = runs(self, story, &sent.source).any(|run| run.has(sent.n));
            let is_gone = story.removals.contains_key(&sent.n);
            assert!(was_seen || is_gone, "at {}: nobody has seen to {sent:?}", self.now());
        }
    }

    pub(crate) fn check_queues(&self, story: &Story) {
        for sent in &self.sent {
            if matches!(sent.acknowledged, Some(Place::Queue(_))) {
                self.check_message(story, sent);
            }
            self.check_removals(story, sent);
        }
        let queues: Vec<String> = self.outside.queues.lock().unwrap().keys().cloned().collect();
        for queue in queues.iter().filter(|queue| queue.ends_with(".fifo") && !queue.starts_with("dead")) {
            self.check_order(story, queue);
            self.check_groups(story, queue);
        }
        for mine in &self.mappings {
            self.check_concurrency(story, mine);
        }
    }

    pub(crate) async fn check_queues_are_empty(&self) {
        let queues: Vec<String> = self.outside.queues.lock().unwrap().keys().cloned().collect();
        for queue in queues.iter().filter(|queue| !queue.starts_with("dead")) {
            if !mappings(self, queue).any(|mine| mine.is_there) {
                continue;
            }
            let left = rows(&self.outside.memory, &["queue-message", queue]).await;
            assert!(left.is_empty(), "{} messages are left in {queue}", left.len());
        }
    }

    /// It was handled, or moved on after exactly as many attempts as it may have.
    fn check_message(&self, story: &Story, sent: &Sent) {
        let queue = settings(self, &sent.source);
        let receive_count_max = queue.dead_letter.as_ref().map(|policy| policy.max_receive_count);
        let mut seen: Vec<&Run> = runs(self, story, &sent.source).filter(|run| run.has(sent.n)).collect();
        seen.sort_by_key(|run| run.began);
        for run in &seen {
            let item = run.batch.items.iter().find(|item| item.n == sent.n).unwrap();
            assert!(
                receive_count_max.is_none_or(|max| item.count <= max),
                "{sent:?} came too often: {run:?}"
            );
        }
        let is_steady = mappings(self, &sent.source).all(Mine::is_steady);
        let settled = mappings(self, &sent.source).flat_map(|mine| &mine.history);
        let window = settled.map(|mapping| mapping.batching_window).max().unwrap_or_default();
        let successes = seen.iter().filter(|run| run.done.contains(&sent.n)).count();
        assert!(successes <= 1 || !self.is_reliable(), "{sent:?} was handled {successes} times: {seen:?}");
        if self.mode == Mode::Calm {
            for (run, next) in seen.iter().zip(seen.iter().skip(1)) {
                let gap = next.at.saturating_since(run.at);
                // It was hidden since it was received, before its batch was gathered.
                assert!(gap + window >= queue.visibility_timeout, "{sent:?} came back after {gap:?} already");
            }
            let moved =
                story.removals.get(&sent.n).is_some_and(|gone| gone.iter().any(|one| one.to.is_some()));
            if moved && is_steady {
                assert_eq!(seen.len() as u64, u64::from(receive_count_max.unwrap()), "{sent:?}: {seen:?}");
            }
        }
        if mappings(self, &sent.source).any(|mine| mine.is_there) {
            let is_gone = story.removals.get(&sent.n).is_some_and(|gone| gone[0].queue == sent.source);
            assert!(is_gone, "{sent:?} was never done: {seen:?}");
        }
    }

    /// It leaves its queue when it was handled, when nobody wants it, or for the dead-letter queue.
    fn check_removals(&self, story: &Story, sent: &Sent) {
        for removal in story.removals.get(&sent.n).into_iter().flatten() {
            if removal.queue != sent.source {
                continue;
            }
            if removal.to.is_some() {
                let queue = settings(self, &sent.source);
                assert!(queue.dead_letter.is_some(), "{sent:?} has no dead-letter queue");
                continue;
            }
            let before = runs(self, story, &sent.source).filter(|run| run.ended < removal.line);
            let is_handled = Story::success(before, sent.n).is_some();
            let is_unwanted = mappings(self, &sent.source).any(|mine| !is_wanted(mine, sent));
            assert!(
                is_handled || is_unwanted,
                "{sent:?} was deleted at line {} before it was handled (wanted: {})",
                removal.line,
                has_taker(self, sent)
            );
        }
    }

    /// No message of a group before those that came earlier are through.
    fn check_order(&self, story: &Story, queue: &str) {
        for run in runs(self, story, queue) {
            for (index, item) in run.batch.items.iter().enumerate() {
                let sent = self.sent_by_number(item.n);
                let earlier = self.sent.iter().filter(|other| {
                    other.source == queue && other.group == sent.group && is_before(other, sent)
                });
                for other in earlier {
                    let in_batch = run.batch.items[..index].iter().any(|before| before.n == other.n);
                    let succeeded = Story::success(runs(self, story, queue), other.n);
                    let removed = story.removals.get(&other.n).map(|gone| gone[0].line);
                    let is_through = [succeeded, removed].into_iter().flatten().any(|line| line < run.began);
                    assert!(in_batch || is_through, "{item:?} in line {} is ahead of {other:?}", run.began);
                }
            }
        }
    }

    /// One batch at a time for each group.
    fn check_groups(&self, story: &Story, queue: &str) {
        let groups = |run: &Run| -> BTreeSet<String> {
            run.batch.items.iter().map(|item| self.sent_by_number(item.n).group.clone()).collect()
        };
        let all: Vec<&Run> = runs(self, story, queue).collect();
        for (index, run) in all.iter().enumerate() {
            let mine = groups(run);
            for other in all[index + 1..].iter().filter(|other| run.is_beside(other)) {
                assert!(
                    mine.is_disjoint(&groups(other)),
                    "two batches of a group at once: {run:?} {other:?}"
                );
            }
        }
    }

    fn check_concurrency(&self, story: &Story, mine: &Mine) {
        if polling(mine).is_none() {
            return;
        }
        let limits = mine.history.iter().filter_map(|mapping| match &mapping.polling {
            Polling::Queue(polling) => {
                Some(match (polling.maximum_concurrency, polling.provisioned_pollers) {
                    (Some(limit), _) => u64::from(limit),
                    (_, Some(pollers)) => u64::from(pollers.maximum) * 10,
                    (None, None) => u64::MAX,
                })
            }
            Polling::Stream(_) => None,
        });
        let limit = limits.max().unwrap();
        for run in story.of(mine) {
            let beside = story.of(mine).filter(|other| other.began <= run.began && run.began < other.ended);
            let count = beside.count() as u64;
            let since = story.enabled.get(mine.function()).map_or(run.at, |(_, at)| *at);
            let minutes = run.at.saturating_since(since).as_secs() / 60;
            assert!(count <= limit.min(5 + 300 * (minutes + 1)).min(1_250), "{count} at once: {run:?}");
        }
    }
}

/// Both were acknowledged, and this one has the smaller number.
fn is_before(other: &Sent, sent: &Sent) -> bool {
    matches!((other.acknowledged, sent.acknowledged), (Some(other), Some(sent)) if other < sent)
}
