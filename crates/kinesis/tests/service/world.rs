//! A service with one caller.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use api_kinesis::{
    CreateStreamInput, DescribeStreamInput, DescribeStreamSummaryInput, GetRecordsInput, GetRecordsOutput,
    GetShardIteratorInput, Kinesis as _, ListShardsInput, ListStreamsInput, PutRecordInput, PutRecordOutput,
    Shard, ShardIteratorType, StreamDescription, StreamDescriptionSummary, StreamModeDetails,
    UpdateMaxRecordSizeInput,
};
use bytes::Bytes;
use clock::{Clock, Timestamp, VirtualClock};
use ids::{AccountId, IdSource, Region, RequestId};
use kinesis::{Kinesis, KinesisParts};
use store::MemoryStore;
use stream::Streams;
use targets::{MetricSource, RecordMetrics, Unit};
use tasks::Tasks;
use wire::{Caller, Context, Error};

/// 2024-01-31T08:05:09.123Z.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_706_688_309_123);

/// What was recorded: `DIMENSIONS METRIC VALUE`.
#[derive(Debug, Default)]
pub(crate) struct Figures(Mutex<Vec<String>>);

impl Figures {
    /// All but latencies, which nobody foresees.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut taken = std::mem::take(&mut *self.0.lock().unwrap());
        taken.retain(|figure| !figure.contains("Latency"));
        taken
    }
}

impl RecordMetrics for Figures {
    fn record(&self, source: &Arc<MetricSource>, _at: Timestamp, values: &[(&'static str, Unit, f64)]) {
        let dimensions: Vec<&str> = source.dimensions[0].iter().map(|(_, value)| value.as_str()).collect();
        let of = dimensions.join("/");
        self.0.lock().unwrap().extend(values.iter().map(|(name, _, value)| format!("{of} {name} {value}")));
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) figures: Arc<Figures>,
    pub(crate) tasks: Tasks,
    pub(crate) kinesis: Kinesis,
    pub(crate) context: Context,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(MemoryStore::new()), START)
    }

    /// One with a stream `s` of so many shards.
    pub(crate) async fn with_stream(shards: i32) -> Self {
        let world = Self::new();
        world.create("s", shards).await.unwrap();
        world.settled().await;
        world
    }

    /// The same again, after the process was killed.
    pub(crate) fn restarted(self) -> Self {
        self.tasks.announce_shutdown();
        Self::over(self.store.clone(), self.clock.now())
    }

    fn over(store: Arc<MemoryStore>, now: Timestamp) -> Self {
        let clock = Arc::new(VirtualClock::new(now));
        let (figures, tasks) = (Arc::<Figures>::default(), Tasks::new());
        // Another seed than the one before a restart: ids do not repeat.
        let ids =
            Arc::new(IdSource::seeded(now.as_micros().unsigned_abs() ^ Arc::strong_count(&store) as u64));
        let streams = Streams::new(store.clone(), clock.clone(), tasks.clone());
        let kinesis = Kinesis::new(KinesisParts {
            store: store.clone(),
            streams,
            clock: clock.clone(),
            ids,
            tasks: tasks.clone(),
            metrics: figures.clone(),
        });
        kinesis.start();
        Self { clock, store, figures, tasks, kinesis, context: context("000000000000", "eu-central-1") }
    }

    /// Waits until nothing is under way any more.
    pub(crate) async fn settled(&self) {
        self.clock.quiet().await;
    }

    pub(crate) async fn advance(&self, seconds: u64) {
        self.clock.advance_to(self.clock.now() + Duration::from_secs(seconds)).await;
    }

    pub(crate) fn arn(&self, name: &str) -> String {
        format!("arn:aws:kinesis:{}:{}:stream/{name}", self.context.region, self.context.account)
    }

    pub(crate) async fn create(&self, name: &str, shards: i32) -> Result<(), Error> {
        let input = CreateStreamInput {
            stream_name: name.to_owned(),
            shard_count: Some(shards),
            ..Default::default()
        };
        self.kinesis.create_stream(&self.context, input).await
    }

    pub(crate) async fn create_on_demand(&self, name: &str) -> Result<(), Error> {
        let details = StreamModeDetails { stream_mode: api_kinesis::StreamMode::OnDemand };
        let input = CreateStreamInput {
            stream_name: name.to_owned(),
            stream_mode_details: Some(details),
            ..Default::default()
        };
        self.kinesis.create_stream(&self.context, input).await
    }

    pub(crate) async fn describe(&self, name: &str) -> Result<StreamDescription, Error> {
        let input = DescribeStreamInput { stream_name: Some(name.to_owned()), ..Default::default() };
        self.kinesis.describe_stream(&self.context, input).await.map(|output| output.stream_description)
    }

    pub(crate) async fn summary(&self, name: &str) -> StreamDescriptionSummary {
        let input = DescribeStreamSummaryInput { stream_name: Some(name.to_owned()), ..Default::default() };
        let output = self.kinesis.describe_stream_summary(&self.context, input).await;
        output.unwrap().stream_description_summary
    }

    /// Its status in the list of streams, which waits for nothing.
    pub(crate) async fn status(&self, name: &str) -> String {
        let listed = self.kinesis.list_streams(&self.context, ListStreamsInput::default()).await.unwrap();
        let mut summaries = listed.stream_summaries.unwrap().into_iter();
        summaries.find(|summary| summary.stream_name == name).unwrap().stream_status.as_str().to_owned()
    }

    pub(crate) async fn shards(&self, name: &str) -> Vec<Shard> {
        let input = ListShardsInput { stream_name: Some(name.to_owned()), ..Default::default() };
        self.kinesis.list_shards(&self.context, input).await.unwrap().shards.unwrap()
    }

    /// Puts a record into the shard of `hash_key`.
    pub(crate) async fn put(&self, hash_key: u128, data: &str) -> Result<PutRecordOutput, Error> {
        let input = PutRecordInput {
            stream_name: Some("s".to_owned()),
            data: Bytes::copy_from_slice(data.as_bytes()),
            partition_key: Some("k".to_owned()),
            explicit_hash_key: Some(hash_key.to_string()),
            ..Default::default()
        };
        self.kinesis.put_record(&self.context, input).await
    }

    /// Puts as much into the shard of `hash_key` that it takes nothing more for nine seconds, real ones or others.
    pub(crate) async fn exhaust(&self, hash_key: u128) {
        let input = UpdateMaxRecordSizeInput {
            stream_arn: Some(self.arn("s")),
            max_record_size_in_ki_b: 10_240,
            ..Default::default()
        };
        self.kinesis.update_max_record_size(&self.context, input).await.unwrap();
        self.settled().await;
        self.put(hash_key, &"x".repeat((10 << 20) - 1)).await.unwrap();
    }

    pub(crate) async fn iterator_with(&self, input: GetShardIteratorInput) -> Result<String, Error> {
        let input = GetShardIteratorInput { stream_name: Some("s".to_owned()), ..input };
        let output = self.kinesis.get_shard_iterator(&self.context, input).await?;
        Ok(output.shard_iterator.unwrap())
    }

    pub(crate) async fn iterator(&self, shard: u32, kind: ShardIteratorType) -> String {
        let input = GetShardIteratorInput {
            shard_id: shard_id(shard),
            shard_iterator_type: kind,
            ..Default::default()
        };
        self.iterator_with(input).await.unwrap()
    }

    pub(crate) async fn get(&self, iterator: &str) -> Result<GetRecordsOutput, Error> {
        self.get_limited(iterator, None).await
    }

    pub(crate) async fn get_limited(
        &self,
        iterator: &str,
        limit: Option<i32>,
    ) -> Result<GetRecordsOutput, Error> {
        let input = GetRecordsInput { shard_iterator: iterator.to_owned(), limit, ..Default::default() };
        self.kinesis.get_records(&self.context, input).await
    }

    /// All that is in a shard of `s`.
    pub(crate) async fn read(&self, shard: u32) -> Vec<String> {
        let iterator = self.iterator(shard, ShardIteratorType::TrimHorizon).await;
        data(&self.get(&iterator).await.unwrap())
    }
}

/// The records' data.
pub(crate) fn data(output: &GetRecordsOutput) -> Vec<String> {
    output.records.iter().map(|record| String::from_utf8(record.data.to_vec()).unwrap()).collect()
}

pub(crate) fn shard_id(number: u32) -> String {
    format!("shardId-{number:012}")
}

pub(crate) fn context(account: &str, region: &str) -> Context {
    Context {
        request_id: RequestId::from_random(7),
        account: AccountId::parse(account).unwrap(),
        region: Region::parse(region).unwrap(),
        caller: Caller {
            arn: format!("arn:aws:iam::{account}:root"),
            user_id: "AIDAEXAMPLE".to_owned(),
            access_key_id: None,
        },
        endpoint: "http://127.0.0.1:4566".to_owned(),
        trace_id: None,
        client: wire::Client::default(),
    }
}

#[track_caller]
pub(crate) fn refused<T>(answer: Result<T, Error>, code: &str, message: &str) {
    let error = answer.err().expect("an error");
    assert_eq!((error.code(), error.message().unwrap_or_default()), (code, message));
}
