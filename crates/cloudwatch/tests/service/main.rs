//! CloudWatch metrics through their typed trait, over a store in memory and a clock that is told the time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod data;
mod durable;
mod list;
mod put;
mod recorded;
mod statistics;

use std::sync::Arc;
use std::time::Duration;

use api_cloudwatch::{
    CloudWatch as Api, Datapoint, Dimension, GetMetricDataInput, GetMetricDataOutput,
    GetMetricStatisticsInput, ListMetricsInput, ListMetricsOutput, Metric, MetricDataQuery, MetricDatum,
    MetricStat, PutMetricDataInput, Statistic,
};
use clock::{Clock, Timestamp, VirtualClock};
use cloudwatch::{CloudWatch, CloudWatchParts};
use ids::{AccountId, Region, RequestId};
use store::{MemoryStore, SharedStore};
use tasks::Tasks;
use wire::{Caller, Context, Error};

/// 2024-01-31T08:05:09.123Z.
const START: Timestamp = Timestamp::from_millis(1_706_688_309_123);

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

struct World {
    clock: Arc<VirtualClock>,
    cloudwatch: CloudWatch,
    tasks: Tasks,
    context: Context,
}

impl World {
    fn new() -> Self {
        Self::over(Arc::new(MemoryStore::new()))
    }

    fn over(store: SharedStore) -> Self {
        let clock = Arc::new(VirtualClock::new(START));
        let tasks = Tasks::new();
        let parts = CloudWatchParts { store, clock: Arc::clone(&clock) as _, tasks: tasks.clone() };
        let cloudwatch = CloudWatch::new(parts);
        Self { clock, cloudwatch, tasks, context: context("000000000000", "eu-central-1") }
    }

    /// Lets go of the store.
    async fn stop(self) {
        self.tasks.drain().await;
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn advance(&self, duration: Duration) {
        self.clock.advance_to(self.now() + duration).await;
    }

    async fn put(&self, datum: MetricDatum) -> Result<(), Error> {
        self.put_all("N", vec![datum]).await
    }

    async fn put_all(&self, namespace: &str, data: Vec<MetricDatum>) -> Result<(), Error> {
        let namespace = namespace.to_owned();
        let input = PutMetricDataInput { namespace, metric_data: Some(data), ..Default::default() };
        self.cloudwatch.put_metric_data(&self.context, input).await
    }

    /// Puts plain values of metric `m`, as of so long ago.
    async fn put_values(&self, ago: Duration, values: &[f64]) {
        let at = self.now() - ago;
        let data = values.iter().map(|value| MetricDatum { timestamp: Some(at), ..value_of("m", *value) });
        self.put_all("N", data.collect()).await.unwrap();
    }

    /// All five statistics of metric `m` for the last hour, by minute, in order.
    async fn minutes(&self) -> Vec<Datapoint> {
        self.statistics(self.last_hour()).await.unwrap()
    }

    /// A query of metric `m` for the last hour and the current minute.
    fn last_hour(&self) -> GetMetricStatisticsInput {
        GetMetricStatisticsInput {
            namespace: "N".to_owned(),
            metric_name: "m".to_owned(),
            start_time: self.now() - HOUR,
            end_time: self.now() + MINUTE,
            period: 60,
            statistics: Some(
                ["SampleCount", "Average", "Sum", "Minimum", "Maximum"].map(Statistic::from).to_vec(),
            ),
            ..Default::default()
        }
    }

    async fn statistics(&self, input: GetMetricStatisticsInput) -> Result<Vec<Datapoint>, Error> {
        let answer = self.cloudwatch.get_metric_statistics(&self.context, input).await?;
        let mut datapoints = answer.datapoints.unwrap();
        datapoints.sort_by_key(|datapoint| datapoint.timestamp);
        Ok(datapoints)
    }

    async fn list(&self, input: ListMetricsInput) -> Result<ListMetricsOutput, Error> {
        self.cloudwatch.list_metrics(&self.context, input).await
    }

    /// Namespaces and names of all metrics.
    async fn listed(&self) -> Vec<String> {
        names(&self.list(ListMetricsInput::default()).await.unwrap())
    }

    /// For the last hour and the current minute, oldest first.
    async fn data(&self, queries: Vec<MetricDataQuery>) -> Result<GetMetricDataOutput, Error> {
        let input = GetMetricDataInput {
            metric_data_queries: queries,
            start_time: self.now() - HOUR,
            end_time: self.now() + MINUTE,
            scan_by: Some("TimestampAscending".into()),
            ..Default::default()
        };
        self.cloudwatch.get_metric_data(&self.context, input).await
    }
}

fn names(output: &ListMetricsOutput) -> Vec<String> {
    let name = |metric: &Metric| {
        let dimensions = metric.dimensions.iter().flatten().map(|dimension| &dimension.value);
        let parts = [metric.namespace.as_ref().unwrap(), metric.metric_name.as_ref().unwrap()];
        parts.into_iter().chain(dimensions).cloned().collect::<Vec<_>>().join(" ")
    };
    output.metrics.as_ref().unwrap().iter().map(name).collect()
}

fn value_of(name: &str, value: f64) -> MetricDatum {
    MetricDatum { metric_name: name.to_owned(), value: Some(value), ..Default::default() }
}

fn dimensions(dimensions: &[(&str, &str)]) -> Option<Vec<Dimension>> {
    let dimension =
        |(name, value): &(&str, &str)| Dimension { name: (*name).to_owned(), value: (*value).to_owned() };
    Some(dimensions.iter().map(dimension).collect())
}

fn metric_query(id: &str, name: &str, stat: &str) -> MetricDataQuery {
    let metric =
        Metric { namespace: Some("N".to_owned()), metric_name: Some(name.to_owned()), ..Default::default() };
    let stat = MetricStat { metric, period: 60, stat: stat.to_owned(), unit: None };
    MetricDataQuery { id: id.to_owned(), metric_stat: Some(stat), ..Default::default() }
}

fn expression_query(id: &str, expression: &str) -> MetricDataQuery {
    MetricDataQuery { id: id.to_owned(), expression: Some(expression.to_owned()), ..Default::default() }
}

fn context(account: &str, region: &str) -> Context {
    Context {
        request_id: RequestId::from_random(7),
        account: AccountId::parse(account).unwrap(),
        region: Region::parse(region).unwrap(),
        caller: Caller {
            arn: format!("arn:aws:iam::{account}:root"),
            user_id: account.to_owned(),
            access_key_id: None,
        },
        endpoint: "http://127.0.0.1:4566".to_owned(),
        trace_id: None,
        client: wire::Client::default(),
    }
}

#[track_caller]
fn refused<T>(answer: Result<T, Error>, code: &str, message: &str) {
    let error = answer.err().expect("an error");
    assert_eq!((error.code(), error.message().unwrap_or_default()), (code, message));
}
