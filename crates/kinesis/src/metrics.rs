//! Figures in CloudWatch: "Monitoring the Amazon Kinesis Data Streams service with Amazon CloudWatch" in the developer guide.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stream::{PutFailure, Read, ShardId};
use targets::{MetricSource, Unit};

use crate::directory::OpenStream;
use crate::service::Inner;
use crate::tables::StreamKey;

type Value = (&'static str, Unit, f64);

/// Where a stream's figures count.
#[derive(Debug)]
pub(crate) struct Figures {
    stream: Arc<MetricSource>,
    /// Made when a shard's first figure is recorded.
    shards: Mutex<HashMap<ShardId, Arc<MetricSource>>>,
}

impl Figures {
    pub(crate) fn new(key: &StreamKey) -> Self {
        Self {
            stream: Arc::new(MetricSource {
                account: key.account.clone(),
                region: key.region.clone(),
                namespace: "AWS/Kinesis",
                dimensions: vec![vec![("StreamName", key.name.clone())]],
            }),
            shards: Mutex::default(),
        }
    }

    fn shard(&self, key: &StreamKey, shard: ShardId) -> Arc<MetricSource> {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        let source = shards.entry(shard).or_insert_with(|| {
            let dimensions = vec![("StreamName", key.name.clone()), ("ShardId", shard.to_string())];
            Arc::new(MetricSource { dimensions: vec![dimensions], ..(*self.stream).clone() })
        });
        source.clone()
    }
}

/// What became of the records of one request: where they went and how large they were, or why not.
pub(crate) type Outcomes = Vec<Result<(ShardId, usize), PutFailure>>;

/// `PutRecord` has ended.
pub(crate) fn put_record(inner: &Inner, open: &OpenStream, outcome: &Outcomes, took: Duration) {
    let (records, bytes, _) = sum(outcome);
    let values = [
        ("PutRecord.Bytes", Unit::Bytes, bytes),
        ("PutRecord.Latency", Unit::Milliseconds, took.as_secs_f64() * 1e3),
        ("PutRecord.Success", Unit::Count, records),
    ];
    put(inner, open, outcome, &values);
}

/// `PutRecords` has ended.
pub(crate) fn put_records(inner: &Inner, open: &OpenStream, outcomes: &Outcomes, took: Duration) {
    let (records, bytes, throttled) = sum(outcomes);
    let all = as_figure(outcomes.len() as u64);
    let values = [
        ("PutRecords.Bytes", Unit::Bytes, bytes),
        ("PutRecords.Latency", Unit::Milliseconds, took.as_secs_f64() * 1e3),
        ("PutRecords.Success", Unit::Count, f64::from(u8::from(records > 0.0))),
        ("PutRecords.TotalRecords", Unit::Count, all),
        ("PutRecords.SuccessfulRecords", Unit::Count, records),
        ("PutRecords.FailedRecords", Unit::Count, all - records - throttled),
        ("PutRecords.ThrottledRecords", Unit::Count, throttled),
    ];
    put(inner, open, outcomes, &values);
}

/// The records that were accepted, their bytes, and the records that were throttled.
fn sum(outcomes: &Outcomes) -> (f64, f64, f64) {
    let bytes = outcomes.iter().flatten().map(|(_, bytes)| *bytes as u64).sum();
    let records = outcomes.iter().flatten().count() as u64;
    let throttled =
        outcomes.iter().filter(|outcome| matches!(outcome, Err(PutFailure::Throttled(_)))).count() as u64;
    (as_figure(records), as_figure(bytes), as_figure(throttled))
}

fn put(inner: &Inner, open: &OpenStream, outcomes: &Outcomes, values: &[Value]) {
    let (records, bytes, throttled) = sum(outcomes);
    let mut all = values.to_vec();
    all.extend(incoming(records, bytes, throttled));
    inner.metrics.record(&open.figures.stream, inner.clock.now(), &all);
    if open.record.shard_level_metrics.is_empty() {
        return;
    }
    let mut shards: HashMap<ShardId, Outcomes> = HashMap::new();
    for outcome in outcomes {
        let shard = match outcome {
            Ok((shard, _)) | Err(PutFailure::Throttled(shard)) => *shard,
            Err(PutFailure::Ordering | PutFailure::Internal) => continue,
        };
        shards.entry(shard).or_default().push(*outcome);
    }
    for (shard, outcomes) in shards {
        let (records, bytes, throttled) = sum(&outcomes);
        record_shard(inner, open, shard, &incoming(records, bytes, throttled));
    }
}

const fn incoming(records: f64, bytes: f64, throttled: f64) -> [Value; 3] {
    [
        ("IncomingRecords", Unit::Count, records),
        ("IncomingBytes", Unit::Bytes, bytes),
        ("WriteProvisionedThroughputExceeded", Unit::Count, throttled),
    ]
}

/// `GetRecords` has brought something, or nothing.
pub(crate) fn got_records(inner: &Inner, open: &OpenStream, shard: ShardId, read: &Read, took: Duration) {
    let bytes = as_figure(read.records.iter().map(|record| record.data.len() as u64).sum());
    let records = as_figure(read.records.len() as u64);
    let now = inner.clock.now();
    // "Age is the difference between the current time and when the last record of the GetRecords call was written."
    let age = match read.records.last() {
        Some(last) if !read.behind.is_zero() => now.saturating_since(last.arrived).as_secs_f64() * 1e3,
        _ => 0.0,
    };
    let values = [
        ("GetRecords.Bytes", Unit::Bytes, bytes),
        ("GetRecords.Records", Unit::Count, records),
        ("GetRecords.Latency", Unit::Milliseconds, took.as_secs_f64() * 1e3),
        ("GetRecords.Success", Unit::Count, 1.0),
        ("GetRecords.IteratorAgeMilliseconds", Unit::Milliseconds, age),
        ("ReadProvisionedThroughputExceeded", Unit::Count, 0.0),
    ];
    inner.metrics.record(&open.figures.stream, now, &values);
    let of_shard = [
        ("OutgoingBytes", Unit::Bytes, bytes),
        ("OutgoingRecords", Unit::Count, records),
        ("IteratorAgeMilliseconds", Unit::Milliseconds, age),
        ("ReadProvisionedThroughputExceeded", Unit::Count, 0.0),
    ];
    record_shard(inner, open, shard, &of_shard);
}

/// `GetRecords` was throttled.
pub(crate) fn read_throttled(inner: &Inner, open: &OpenStream, shard: ShardId) {
    let exceeded = ("ReadProvisionedThroughputExceeded", Unit::Count, 1.0);
    let values = [("GetRecords.Success", Unit::Count, 0.0), exceeded];
    inner.metrics.record(&open.figures.stream, inner.clock.now(), &values);
    record_shard(inner, open, shard, &[exceeded]);
}

/// Records those of the figures that were enabled.
fn record_shard(inner: &Inner, open: &OpenStream, shard: ShardId, values: &[Value]) {
    let enabled = &open.record.shard_level_metrics;
    let values: Vec<Value> =
        values.iter().filter(|(name, ..)| enabled.iter().any(|enabled| enabled == name)).copied().collect();
    if !values.is_empty() {
        inner.metrics.record(&open.figures.shard(&open.key, shard), inner.clock.now(), &values);
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures are floating-point numbers")]
const fn as_figure(count: u64) -> f64 {
    count as f64
}
