//! The service: what it holds, and which file answers which operation.

use std::sync::Arc;

use api_logs::{
    CreateLogGroupRequest, CreateLogStreamRequest, DeleteLogGroupRequest, DeleteLogStreamRequest,
    DeleteRetentionPolicyRequest, DescribeLogGroupsRequest, DescribeLogGroupsResponse,
    DescribeLogStreamsRequest, DescribeLogStreamsResponse, FilterLogEventsRequest, FilterLogEventsResponse,
    GetLogEventsRequest, GetLogEventsResponse, ListTagsForResourceRequest, ListTagsForResourceResponse,
    ListTagsLogGroupRequest, ListTagsLogGroupResponse, Logs, PutLogEventsRequest, PutLogEventsResponse,
    PutRetentionPolicyRequest, TagLogGroupRequest, TagResourceRequest, UntagLogGroupRequest,
    UntagResourceRequest,
};
use clock::SharedClock;
use ids::IdSource;
use store::SharedStore;
use targets::{LogLine, LogStream, WriteLogs};
use tasks::Tasks;
use tokio::sync::{Notify, Semaphore};
use wire::{Context, Error};

use crate::writer::Queue;
use crate::{background, operations, writer};

/// `PutLogEvents` requests that may wait for the writer at one time; each holds up to 1 MiB of messages.
const PUTS_WAITING_MAX: usize = 64;

/// Amazon CloudWatch Logs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CloudWatchLogs {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: SharedStore,
    pub(crate) clock: SharedClock,
    pub(crate) ids: IdSource,
    /// Events on their way into the store.
    pub(crate) queue: Queue,
    pub(crate) puts: Semaphore,
    /// Something was deleted or given a retention.
    pub(crate) cleanup: Notify,
}

impl CloudWatchLogs {
    /// The service over `store`. Nothing is written before [`CloudWatchLogs::start`].
    #[must_use]
    pub fn new(store: SharedStore, clock: SharedClock, ids: IdSource) -> Self {
        let puts = Semaphore::new(PUTS_WAITING_MAX);
        let inner = Inner { store, clock, ids, queue: Queue::default(), puts, cleanup: Notify::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Starts what works in the background: the writer of events, and the removal of what expired or was deleted.
    ///
    /// The writer ends once the shutdown is announced and all lines are stored; what is written after that is lost
    /// (and said so in the server's own log). So `tasks` should be a set of its own, drained after whatever writes
    /// lines.
    pub fn start(&self, tasks: &Tasks) {
        tasks.spawn("logs-writer", writer::run(Arc::clone(&self.inner), tasks.clone()));
        tasks.spawn_until_shutdown("logs-cleanup", background::cleanup::run(Arc::clone(&self.inner)));
    }

    /// Completes once all lines that were written before are stored (or counted as lost).
    pub async fn flush(&self) {
        self.inner.queue.flush().await;
    }
}

impl WriteLogs for CloudWatchLogs {
    fn write(&self, stream: &Arc<LogStream>, lines: Vec<LogLine>) {
        self.inner.queue.write(stream, lines);
    }
}

impl Logs for CloudWatchLogs {
    async fn create_log_group(&self, context: &Context, input: CreateLogGroupRequest) -> Result<(), Error> {
        operations::create_log_group::handle(&self.inner, context, input).await
    }

    async fn create_log_stream(&self, context: &Context, input: CreateLogStreamRequest) -> Result<(), Error> {
        operations::create_log_stream::handle(&self.inner, context, input).await
    }

    async fn delete_log_group(&self, context: &Context, input: DeleteLogGroupRequest) -> Result<(), Error> {
        operations::delete_log_group::handle(&self.inner, context, input).await
    }

    async fn delete_log_stream(&self, context: &Context, input: DeleteLogStreamRequest) -> Result<(), Error> {
        operations::delete_log_stream::handle(&self.inner, context, input).await
    }

    async fn delete_retention_policy(
        &self,
        context: &Context,
        input: DeleteRetentionPolicyRequest,
    ) -> Result<(), Error> {
        operations::delete_retention_policy::handle(&self.inner, context, input).await
    }

    async fn describe_log_groups(
        &self,
        context: &Context,
        input: DescribeLogGroupsRequest,
    ) -> Result<DescribeLogGroupsResponse, Error> {
        operations::describe_log_groups::handle(&self.inner, context, input).await
    }

    async fn describe_log_streams(
        &self,
        context: &Context,
        input: DescribeLogStreamsRequest,
    ) -> Result<DescribeLogStreamsResponse, Error> {
        operations::describe_log_streams::handle(&self.inner, context, input).await
    }

    async fn filter_log_events(
        &self,
        context: &Context,
        input: FilterLogEventsRequest,
    ) -> Result<FilterLogEventsResponse, Error> {
        operations::filter_log_events::handle(&self.inner, context, input).await
    }

    async fn get_log_events(
        &self,
        context: &Context,
        input: GetLogEventsRequest,
    ) -> Result<GetLogEventsResponse, Error> {
        operations::get_log_events::handle(&self.inner, context, input).await
    }

    async fn list_tags_for_resource(
        &self,
        context: &Context,
        input: ListTagsForResourceRequest,
    ) -> Result<ListTagsForResourceResponse, Error> {
        operations::list_tags_for_resource::handle(&self.inner, context, input).await
    }

    async fn list_tags_log_group(
        &self,
        context: &Context,
        input: ListTagsLogGroupRequest,
    ) -> Result<ListTagsLogGroupResponse, Error> {
        operations::list_tags_for_resource::handle_log_group(&self.inner, context, input).await
    }

    async fn put_log_events(
        &self,
        context: &Context,
        input: PutLogEventsRequest,
    ) -> Result<PutLogEventsResponse, Error> {
        operations::put_log_events::handle(&self.inner, context, input).await
    }

    async fn put_retention_policy(
        &self,
        context: &Context,
        input: PutRetentionPolicyRequest,
    ) -> Result<(), Error> {
        operations::put_retention_policy::handle(&self.inner, context, input).await
    }

    async fn tag_log_group(&self, context: &Context, input: TagLogGroupRequest) -> Result<(), Error> {
        operations::tag_resource::handle_log_group(&self.inner, context, input).await
    }

    async fn tag_resource(&self, context: &Context, input: TagResourceRequest) -> Result<(), Error> {
        operations::tag_resource::handle(&self.inner, context, input).await
    }

    async fn untag_log_group(&self, context: &Context, input: UntagLogGroupRequest) -> Result<(), Error> {
        operations::untag_resource::handle_log_group(&self.inner, context, input).await
    }

    async fn untag_resource(&self, context: &Context, input: UntagResourceRequest) -> Result<(), Error> {
        operations::untag_resource::handle(&self.inner, context, input).await
    }
}
