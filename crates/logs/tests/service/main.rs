//! CloudWatch Logs through its typed trait, over a store in memory and a clock that is told the time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod durable;
mod events;
mod filters;
mod groups;
mod lines;
mod retention;

use std::sync::Arc;
use std::time::Duration;

use api_logs::{
    CreateLogGroupRequest, CreateLogStreamRequest, DescribeLogGroupsRequest, DescribeLogStreamsRequest,
    InputLogEvent, LogGroup, LogStream, Logs, PutLogEventsRequest, PutLogEventsResponse,
};
use clock::{Clock, Timestamp, VirtualClock};
use ids::{AccountId, IdSource, Region, RequestId};
use logs::CloudWatchLogs;
use store::{MemoryStore, Store, prefix_end};
use tasks::Tasks;
use wire::{Caller, Context, Error};

/// 2024-01-31T08:05:09.123Z.
const START: Timestamp = Timestamp::from_millis(1_706_688_309_123);

struct World {
    clock: Arc<VirtualClock>,
    store: Arc<MemoryStore>,
    logs: CloudWatchLogs,
    tasks: Tasks,
    context: Context,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(VirtualClock::new(START));
        let store = Arc::new(MemoryStore::new());
        let logs = CloudWatchLogs::new(Arc::clone(&store) as _, Arc::clone(&clock) as _, IdSource::seeded(1));
        let tasks = Tasks::new();
        logs.start(&tasks);
        Self { clock, store, logs, tasks, context: context("000000000000", "eu-central-1") }
    }

    /// A world with group `g` and stream `s`.
    async fn with_stream() -> Self {
        let world = Self::new();
        world.create_group("g").await.unwrap();
        world.create_stream("g", "s").await.unwrap();
        world
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().as_millis()
    }

    async fn create_group(&self, name: &str) -> Result<(), Error> {
        let input = CreateLogGroupRequest { log_group_name: name.to_owned(), ..Default::default() };
        self.logs.create_log_group(&self.context, input).await
    }

    async fn create_stream(&self, group: &str, name: &str) -> Result<(), Error> {
        let input =
            CreateLogStreamRequest { log_group_name: group.to_owned(), log_stream_name: name.to_owned() };
        self.logs.create_log_stream(&self.context, input).await
    }

    /// Puts events into stream `s` of group `g`, at these offsets from now.
    async fn put(&self, events: &[(i64, &str)]) -> Result<PutLogEventsResponse, Error> {
        self.put_into("s", events).await
    }

    async fn put_into(&self, stream: &str, events: &[(i64, &str)]) -> Result<PutLogEventsResponse, Error> {
        let now_ms = self.now_ms();
        let event = |(offset_ms, message): &(i64, &str)| InputLogEvent {
            timestamp: now_ms + offset_ms,
            message: (*message).to_owned(),
        };
        let input = PutLogEventsRequest {
            log_group_name: "g".to_owned(),
            log_stream_name: stream.to_owned(),
            log_events: events.iter().map(event).collect(),
            ..Default::default()
        };
        self.logs.put_log_events(&self.context, input).await
    }

    async fn groups(&self) -> Vec<LogGroup> {
        let answer = self.logs.describe_log_groups(&self.context, DescribeLogGroupsRequest::default()).await;
        answer.unwrap().log_groups.unwrap()
    }

    async fn streams(&self, group: &str) -> Vec<LogStream> {
        let input =
            DescribeLogStreamsRequest { log_group_name: Some(group.to_owned()), ..Default::default() };
        self.logs.describe_log_streams(&self.context, input).await.unwrap().log_streams.unwrap()
    }

    /// Moves the clock, and lets what is due be done.
    async fn advance(&self, duration: Duration) {
        self.clock.advance_to(self.clock.now() + duration).await;
        self.settle().await;
    }

    /// Gives background work, all of which is in memory, the turns it needs.
    async fn settle(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    /// How many entries the store has.
    async fn entries(&self) -> usize {
        let snapshot = self.store.snapshot().await.unwrap();
        snapshot.range(&[], &prefix_end(&[]), usize::MAX, false).await.unwrap().len()
    }
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
