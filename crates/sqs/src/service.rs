//! The service: what it holds, and which file answers which operation.

use std::sync::Arc;

use api_sqs::{
    AddPermissionRequest, CancelMessageMoveTaskRequest, CancelMessageMoveTaskResult,
    ChangeMessageVisibilityBatchRequest, ChangeMessageVisibilityBatchResult, ChangeMessageVisibilityRequest,
    CreateQueueRequest, CreateQueueResult, DeleteMessageBatchRequest, DeleteMessageBatchResult,
    DeleteMessageRequest, DeleteQueueRequest, GetQueueAttributesRequest, GetQueueAttributesResult,
    GetQueueUrlRequest, GetQueueUrlResult, ListDeadLetterSourceQueuesRequest,
    ListDeadLetterSourceQueuesResult, ListMessageMoveTasksRequest, ListMessageMoveTasksResult,
    ListQueueTagsRequest, ListQueueTagsResult, ListQueuesRequest, ListQueuesResult, PurgeQueueRequest,
    ReceiveMessageRequest, ReceiveMessageResult, RemovePermissionRequest, SendMessageBatchRequest,
    SendMessageBatchResult, SendMessageRequest, SendMessageResult, SetQueueAttributesRequest,
    StartMessageMoveTaskRequest, StartMessageMoveTaskResult, TagQueueRequest, UntagQueueRequest,
};
use clock::SharedClock;
use ids::IdSource;
use queue::Queues;
use store::SharedStore;
use targets::RecordMetrics;
use tasks::Tasks;
use wire::{Context, Error};

use crate::background::move_tasks::{self, MoveTasks};
use crate::directory::Directory;
use crate::operations;

/// What the service is made of.
#[derive(Debug, Clone)]
pub struct SqsParts {
    /// Where state lies. This process must be the only one that writes SQS's tables.
    pub store: SharedStore,
    /// Keeps the messages.
    pub queues: Queues,
    /// Platform time.
    pub clock: SharedClock,
    /// Draws ids.
    pub ids: Arc<IdSource>,
    /// Where background work runs.
    pub tasks: Tasks,
    /// Counts messages.
    pub metrics: Arc<dyn RecordMetrics>,
}

/// Amazon SQS. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sqs {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: SharedStore,
    pub(crate) queues: Queues,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) tasks: Tasks,
    /// Shut down when clients are to wait for messages no longer.
    pub(crate) polls: Tasks,
    pub(crate) metrics: Arc<dyn RecordMetrics>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) move_tasks: MoveTasks,
}

impl Sqs {
    /// The service over these parts. Reads nothing yet.
    #[must_use]
    pub fn new(parts: SqsParts) -> Self {
        let SqsParts { store, queues, clock, ids, tasks, metrics } = parts;
        let directory = Arc::new(Directory::new(store.clone(), queues.clone()));
        let move_tasks = MoveTasks::default();
        let polls = Tasks::new();
        Self {
            inner: Arc::new(Inner {
                store,
                queues,
                clock,
                ids,
                tasks,
                polls,
                metrics,
                directory,
                move_tasks,
            }),
        }
    }

    /// Goes on with the message move tasks that are under way.
    pub fn start(&self) {
        let inner = self.inner.clone();
        self.inner.tasks.spawn_until_shutdown("sqs-move-tasks", move_tasks::resume(inner));
    }

    /// Clients that wait for messages are answered, and none waits from now on: the server is about to stop.
    pub fn stop_waiting(&self) {
        self.inner.polls.announce_shutdown();
    }
}

impl api_sqs::Sqs for Sqs {
    async fn add_permission(&self, context: &Context, input: AddPermissionRequest) -> Result<(), Error> {
        operations::add_permission::handle(&self.inner, context, input).await
    }

    async fn cancel_message_move_task(
        &self,
        context: &Context,
        input: CancelMessageMoveTaskRequest,
    ) -> Result<CancelMessageMoveTaskResult, Error> {
        operations::cancel_message_move_task::handle(&self.inner, context, input).await
    }

    async fn change_message_visibility(
        &self,
        context: &Context,
        input: ChangeMessageVisibilityRequest,
    ) -> Result<(), Error> {
        operations::change_message_visibility::handle(&self.inner, context, input).await
    }

    async fn change_message_visibility_batch(
        &self,
        context: &Context,
        input: ChangeMessageVisibilityBatchRequest,
    ) -> Result<ChangeMessageVisibilityBatchResult, Error> {
        operations::change_message_visibility_batch::handle(&self.inner, context, input).await
    }

    async fn create_queue(
        &self,
        context: &Context,
        input: CreateQueueRequest,
    ) -> Result<CreateQueueResult, Error> {
        operations::create_queue::handle(&self.inner, context, input).await
    }

    async fn delete_message(&self, context: &Context, input: DeleteMessageRequest) -> Result<(), Error> {
        operations::delete_message::handle(&self.inner, context, input).await
    }

    async fn delete_message_batch(
        &self,
        context: &Context,
        input: DeleteMessageBatchRequest,
    ) -> Result<DeleteMessageBatchResult, Error> {
        operations::delete_message_batch::handle(&self.inner, context, input).await
    }

    async fn delete_queue(&self, context: &Context, input: DeleteQueueRequest) -> Result<(), Error> {
        operations::delete_queue::handle(&self.inner, context, input).await
    }

    async fn get_queue_attributes(
        &self,
        context: &Context,
        input: GetQueueAttributesRequest,
    ) -> Result<GetQueueAttributesResult, Error> {
        operations::get_queue_attributes::handle(&self.inner, context, input).await
    }

    async fn get_queue_url(
        &self,
        context: &Context,
        input: GetQueueUrlRequest,
    ) -> Result<GetQueueUrlResult, Error> {
        operations::get_queue_url::handle(&self.inner, context, input).await
    }

    async fn list_dead_letter_source_queues(
        &self,
        context: &Context,
        input: ListDeadLetterSourceQueuesRequest,
    ) -> Result<ListDeadLetterSourceQueuesResult, Error> {
        operations::list_dead_letter_source_queues::handle(&self.inner, context, input).await
    }

    async fn list_message_move_tasks(
        &self,
        context: &Context,
        input: ListMessageMoveTasksRequest,
    ) -> Result<ListMessageMoveTasksResult, Error> {
        operations::list_message_move_tasks::handle(&self.inner, context, input).await
    }

    async fn list_queue_tags(
        &self,
        context: &Context,
        input: ListQueueTagsRequest,
    ) -> Result<ListQueueTagsResult, Error> {
        operations::list_queue_tags::handle(&self.inner, context, input).await
    }

    async fn list_queues(
        &self,
        context: &Context,
        input: ListQueuesRequest,
    ) -> Result<ListQueuesResult, Error> {
        operations::list_queues::handle(&self.inner, context, input).await
    }

    async fn purge_queue(&self, context: &Context, input: PurgeQueueRequest) -> Result<(), Error> {
        operations::purge_queue::handle(&self.inner, context, input).await
    }

    async fn receive_message(
        &self,
        context: &Context,
        input: ReceiveMessageRequest,
    ) -> Result<ReceiveMessageResult, Error> {
        operations::receive_message::handle(&self.inner, context, input).await
    }

    async fn remove_permission(
        &self,
        context: &Context,
        input: RemovePermissionRequest,
    ) -> Result<(), Error> {
        operations::remove_permission::handle(&self.inner, context, input).await
    }

    async fn send_message(
        &self,
        context: &Context,
        input: SendMessageRequest,
    ) -> Result<SendMessageResult, Error> {
        operations::send_message::handle(&self.inner, context, input).await
    }

    async fn send_message_batch(
        &self,
        context: &Context,
        input: SendMessageBatchRequest,
    ) -> Result<SendMessageBatchResult, Error> {
        operations::send_message_batch::handle(&self.inner, context, input).await
    }

    async fn set_queue_attributes(
        &self,
        context: &Context,
        input: SetQueueAttributesRequest,
    ) -> Result<(), Error> {
        operations::set_queue_attributes::handle(&self.inner, context, input).await
    }

    async fn start_message_move_task(
        &self,
        context: &Context,
        input: StartMessageMoveTaskRequest,
    ) -> Result<StartMessageMoveTaskResult, Error> {
        operations::start_message_move_task::handle(&self.inner, context, input).await
    }

    async fn tag_queue(&self, context: &Context, input: TagQueueRequest) -> Result<(), Error> {
        operations::tag_queue::handle(&self.inner, context, input).await
    }

    async fn untag_queue(&self, context: &Context, input: UntagQueueRequest) -> Result<(), Error> {
        operations::untag_queue::handle(&self.inner, context, input).await
    }
}
