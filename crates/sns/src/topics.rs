//! Topics and their subscriptions, ready to publish to, kept in memory: publishing reads no store.
//!
//! Every write of this process forgets the topic after its commit; only a new subscription is added to what is known,
//! so that many of them do not mean to read all again each time. What was read before a commit and is ready after it must
//! not be kept: commits are counted, and only what was read since the last one is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_pattern::Pattern;
use serde_json::Value;
use store::Row;
use targets::MetricSource;

use crate::Sns;
use crate::delivery_policy::{HttpPolicy, http_policy};
use crate::errors::{Failure, Outcome};
use crate::stories::metric_source;
use crate::subscription::{self, is_empty_policy};
use crate::tables::subscription::{SUBSCRIPTIONS, SubscriptionRecord};
use crate::tables::topic::TopicRecord;
use crate::topic::{self, TopicKey};

/// Topics and subscriptions in memory at most, all together; with more of them, what is used least recently is not
/// worth finding out: all are forgotten.
const KEPT_MAX: usize = 200_000;

/// Rows that are read at once.
const ROWS_AT_ONCE: usize = 1_000;

/// A topic, ready to publish to.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) key: TopicKey,
    pub(crate) arn: String,
    pub(crate) record: TopicRecord,
    /// The confirmed ones, by id.
    pub(crate) subscriptions: Vec<Arc<Subscription>>,
    /// How many are not confirmed yet.
    pub(crate) pending: usize,
    pub(crate) metrics: Arc<MetricSource>,
}

/// A confirmed subscription.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) record: SubscriptionRecord,
    /// What it wants to get; `None`: everything.
    pub(crate) filter: Option<Filter>,
    /// The ARN of its dead-letter queue.
    pub(crate) dead_letter: Option<String>,
    pub(crate) http: HttpPolicy,
}

/// A filter policy.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) pattern: Pattern,
    /// Whether it is about the message itself, not its attributes.
    pub(crate) of_body: bool,
}

/// All topics that are known.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    state: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Commits, as far as they were made known.
    commits: u64,
    /// Those of them that were not new subscriptions.
    changes: u64,
    topics: HashMap<TopicKey, Arc<Topic>>,
    /// Topics and subscriptions.
    kept: usize,
}

impl Topics {
    /// Forgets what was known of a topic.
    pub(crate) fn forget(&self, key: &TopicKey) {
        let mut known = self.lock();
        known.commits += 1;
        known.changes += 1;
        if let Some(topic) = known.topics.remove(key) {
            known.kept -= 1 + topic.subscriptions.len();
        }
    }

    /// Counts what [`Topics::add`] must not have missed.
    pub(crate) fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// Adds a new subscription whose commit is done to a topic that is known; `None`: one that is to be confirmed.
    /// `changes` is from before the commit.
    pub(crate) fn add(&self, changes: u64, key: &TopicKey, subscription: Option<Subscription>) {
        let mut known = self.lock();
        if known.changes != changes {
            drop(known);
            return self.forget(key);
        }
        known.commits += 1;
        let Some(topic) = known.topics.get_mut(key) else { return };
        let topic = Arc::make_mut(topic);
        let Some(subscription) = subscription else {
            topic.pending += 1;
            return;
        };
        let place = topic.subscriptions.partition_point(|other| other.id < subscription.id);
        topic.subscriptions.insert(place, Arc::new(subscription));
        known.kept += 1;
    }

    fn keep(&self, commits: u64, topic: &Arc<Topic>) {
        let mut known = self.lock();
        if known.commits != commits || known.topics.contains_key(&topic.key) {
            return;
        }
        let more = 1 + topic.subscriptions.len();
        if known.kept + more > KEPT_MAX {
            known.topics.clear();
            known.kept = 0;
        }
        known.kept += more;
        known.topics.insert(topic.key.clone(), topic.clone());
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The topic of this name.
///
/// # Errors
/// `NotFound`.
pub(crate) async fn get(sns: &Sns, key: &TopicKey) -> Outcome<Arc<Topic>> {
    let (known, commits) = {
        let state = sns.topics.lock();
        (state.topics.get(key).cloned(), state.commits)
    };
    if let Some(topic) = known {
        return Ok(topic);
    }
    let topic = Arc::new(read(sns, key).await?);
    sns.topics.keep(commits, &topic);
    Ok(topic)
}

async fn read(sns: &Sns, key: &TopicKey) -> Outcome<Topic> {
    let snapshot = sns.snapshot().await?;
    let record = topic::find(&*snapshot, key).await?.record;
    let now = sns.parts.clock.now();
    let (mut subscriptions, mut pending, mut after) = (Vec::new(), 0, None);
    loop {
        let rows = SUBSCRIPTIONS.list(&*snapshot, &key.parts(), after.as_deref(), ROWS_AT_ONCE).await?;
        after = rows.last().map(|row| row.key.clone());
        let is_last = rows.len() < ROWS_AT_ONCE;
        for row in rows {
            if row.record.confirmed {
                let id = id_of(&row)?;
                subscriptions.push(Arc::new(make_subscription(key, &record, id, row.record)?));
            } else if !row.record.has_lapsed(now) {
                pending += 1;
            }
        }
        if is_last {
            break;
        }
    }
    let metrics = Arc::new(metric_source(key));
    Ok(Topic { key: key.clone(), arn: key.arn(), record, subscriptions, pending, metrics })
}

fn id_of(row: &Row<SubscriptionRecord>) -> Outcome<String> {
    let mut parts = SUBSCRIPTIONS.read_key(&row.key)?;
    let (_account, _region, _name, id) = (parts.str()?, parts.str()?, parts.str()?, parts.str()?);
    Ok(id)
}

/// A confirmed subscription, ready to publish to.
///
/// # Errors
/// When what is stored of it cannot be understood.
pub(crate) fn make_subscription(
    key: &TopicKey,
    topic: &TopicRecord,
    id: String,
    record: SubscriptionRecord,
) -> Outcome<Subscription> {
    let filter = match record.attribute("FilterPolicy").filter(|policy| !is_empty_policy(policy)) {
        None => None,
        Some(policy) => {
            let dialect = subscription::dialect(&record);
            let pattern = Pattern::parse(policy, dialect)
                .map_err(|error| Failure::Internal(format!("the filter policy of {key:?} {id}: {error}")))?;
            Some(Filter { pattern, of_body: dialect == event_pattern::Dialect::SnsBody })
        }
    };
    let dead_letter = record.attribute("RedrivePolicy").and_then(|policy| {
        let policy: Value = serde_json::from_str(policy).ok()?;
        policy["deadLetterTargetArn"].as_str().map(str::to_owned)
    });
    let http = http_policy(topic.attribute("DeliveryPolicy"), record.attribute("DeliveryPolicy"));
    Ok(Subscription { arn: subscription::arn(key, &id), id, record, filter, dead_letter, http })
}
