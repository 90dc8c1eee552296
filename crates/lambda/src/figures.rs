//! What invocations count for in CloudWatch. Source: AWS Lambda developer guide, "Types of metrics for Lambda functions".

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use clock::Timestamp;
use ids::{AccountId, FunctionArn, Qualifier, Region};
use invoker::{Invoker, Observe, Outcome};
use targets::{MetricSource, RecordMetrics, Unit};

use crate::tables::function::FunctionKey;

const NAMESPACE: &str = "AWS/Lambda";

/// Where the invocations of a version through a qualifier count. Made once for a route.
#[derive(Debug)]
pub(crate) struct Figures {
    source: Arc<MetricSource>,
    running: [Arc<Running>; 3],
    metrics: Arc<dyn RecordMetrics>,
    /// The version, if it can have provisioned concurrency, and who knows whether it has.
    provisionable: Option<(Invoker, FunctionArn)>,
}

/// Where the events of a qualifier count: what becomes of them, and the invocations of each version.
pub(crate) fn source(
    key: &FunctionKey,
    qualifier: Option<&Qualifier>,
    executed: Option<&Qualifier>,
) -> Arc<MetricSource> {
    let [function, resource, account] = dimensions(key, qualifier);
    let mut all = vec![function, resource.clone(), account];
    // "ExecutedVersion: view metrics for the versions of a weighted alias".
    if let Some(version) = executed {
        let mut executed = resource;
        executed.push(("ExecutedVersion", version.to_string()));
        all.push(executed);
    }
    Arc::new(metric_source(key, all))
}

/// Where figures of a whole account count.
pub(crate) fn account_source(account: &AccountId, region: &Region) -> Arc<MetricSource> {
    let (account, region) = (account.clone(), region.clone());
    Arc::new(MetricSource { account, region, namespace: NAMESPACE, dimensions: vec![Vec::new()] })
}

/// Where figures of one version or alias alone count.
pub(crate) fn resource_source(key: &FunctionKey, qualifier: &Qualifier) -> Arc<MetricSource> {
    let [_function, resource, _account] = dimensions(key, Some(qualifier));
    Arc::new(metric_source(key, vec![resource]))
}

fn metric_source(key: &FunctionKey, dimensions: Vec<Vec<(&'static str, String)>>) -> MetricSource {
    MetricSource {
        account: key.account.clone(),
        region: key.region.clone(),
        namespace: NAMESPACE,
        dimensions,
    }
}

/// By function; by function, version or alias; and for the whole account.
fn dimensions(key: &FunctionKey, qualifier: Option<&Qualifier>) -> [Vec<(&'static str, String)>; 3] {
    let function = ("FunctionName", key.name.clone());
    let resource = match qualifier {
        None => key.name.clone(),
        Some(qualifier) => format!("{}:{qualifier}", key.name),
    };
    [vec![function.clone()], vec![function, ("Resource", resource)], Vec::new()]
}

impl Figures {
    /// `executed` is the version where an alias leads to two; `provisionable` the one that may have provisioned
    /// concurrency.
    pub(crate) fn new(
        (in_flight, metrics): (&InFlight, Arc<dyn RecordMetrics>),
        key: &FunctionKey,
        qualifier: Option<&Qualifier>,
        executed: Option<&Qualifier>,
        provisionable: Option<(Invoker, FunctionArn)>,
    ) -> Self {
        let running =
            dimensions(key, qualifier).map(|dimensions| in_flight.of(metric_source(key, vec![dimensions])));
        Self { source: source(key, qualifier, executed), running, metrics, provisionable }
    }

    /// Whether the version has provisioned concurrency, so that what runs on an environment of another kind found all of
    /// it in use.
    fn is_provisioned(&self) -> bool {
        self.provisionable
            .as_ref()
            .is_some_and(|(invoker, version)| invoker.provisioned(version).requested > 0)
    }

    /// The chain of requests goes round and round: the invocation is not made.
    pub(crate) fn loop_stopped(&self, at: Timestamp) {
        self.metrics.record(&self.source, at, &[("RecursiveInvocationsDropped", Unit::Count, 1.0)]);
    }
}

/// What an invocation counts for, at the time it began.
impl Observe for Figures {
    fn admitted(&self, began: Timestamp) {
        for running in &self.running {
            running.begin(&*self.metrics, began);
        }
    }

    fn released(&self) {
        for running in &self.running {
            running.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// "Throttled requests and other invocation errors don't count as either Invocations or Errors."
    fn throttled(&self, began: Timestamp) {
        self.metrics.record(&self.source, began, &[("Throttles", Unit::Count, 1.0)]);
    }

    fn ended(&self, began: Timestamp, outcome: &Outcome) {
        let error = if outcome.error.is_some() { 1.0 } else { 0.0 };
        let (provisioned, is_known) = match outcome.report.provisioned {
            true => ("ProvisionedConcurrencyInvocations", true),
            false => ("ProvisionedConcurrencySpilloverInvocations", self.is_provisioned()),
        };
        let values = [
            ("Invocations", Unit::Count, 1.0),
            ("Errors", Unit::Count, error),
            ("Throttles", Unit::Count, 0.0),
            ("Duration", Unit::Milliseconds, outcome.report.duration.as_secs_f64() * 1e3),
            (provisioned, Unit::Count, 1.0),
        ];
        let count = if is_known { values.len() } else { values.len() - 1 };
        self.metrics.record(&self.source, began, &values[..count]);
    }
}

/// How many invocations run for each source. The counts outlive the routes that use them: these are made anew after
/// each change of a function, while invocations of before still run.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashMap<Arc<MetricSource>, Weak<Running>>>);

impl InFlight {
    fn of(&self, source: MetricSource) -> Arc<Running> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = known.get(&source).and_then(Weak::upgrade) {
            return running;
        }
        known.retain(|_, running| running.strong_count() > 0);
        let source = Arc::new(source);
        let running =
            Arc::new(Running { source: source.clone(), count: AtomicU32::new(0), peak: AtomicU64::new(0) });
        known.insert(source, Arc::downgrade(&running));
        running
    }
}

/// How many invocations run.
#[derive(Debug)]
struct Running {
    source: Arc<MetricSource>,
    count: AtomicU32,
    /// The minute of the last one that began, and the most that ran in it.
    peak: AtomicU64,
}

impl Running {
    /// "View this metric with MAX": only what is more than before in its minute is recorded, for the way of a warm
    /// invocation is short.
    fn begin(&self, metrics: &dyn RecordMetrics, now: Timestamp) {
        let count = self.count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let minute = u64::try_from(now.as_secs() / 60).unwrap_or(0);
        let peak = minute << 32 | u64::from(count);
        if self.peak.fetch_max(peak, Ordering::Relaxed) < peak {
            metrics.record(&self.source, now, &[("ConcurrentExecutions", Unit::Count, f64::from(count))]);
        }
    }
}
