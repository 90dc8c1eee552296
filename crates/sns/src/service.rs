//! The service: what it is made of, and where each operation is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use api_sns::*;
use async_trait::async_trait;
use clock::SharedClock;
use ids::{Arn, IdSource};
use store::{CommitError, SharedStore, Snapshot, Transaction};
use targets::{
    Agenda, Due, Prepared, PublishToTopic, RecordMetrics, RecordTrace, TargetError, Targets, TopicInfo,
    TopicMessage,
};
use tasks::Tasks;
use wire::{Context, Error};

use crate::background::{self, Bell};
use crate::errors::{Failure, Outcome};
use crate::fifo::Turns;
use crate::http::HttpClient;
use crate::outbox::{self, Outbox};
use crate::signing::Signing;
use crate::tables::outbox::OutboxEntry;
use crate::topic::TopicKey;
use crate::topics::Topics;
use crate::{operations, publish};

/// What the service is made of.
#[derive(Debug, Clone)]
pub struct SnsParts {
    /// Where state lies.
    pub store: SharedStore,
    /// Platform time.
    pub clock: SharedClock,
    /// Draws message ids, tokens and keys.
    pub ids: Arc<IdSource>,
    /// Where background work runs.
    pub tasks: Tasks,
    /// Queues and functions that subscribe.
    pub targets: Targets,
    /// Takes the figures of topics.
    pub metrics: Arc<dyn RecordMetrics>,
    /// Takes the stories of messages.
    pub trace: Arc<dyn RecordTrace>,
    /// Where links in messages lead, such as `http://127.0.0.1:4566`.
    pub endpoint: String,
}

/// Amazon SNS. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sns(Arc<Inner>);

/// What clones share.
#[derive(Debug)]
pub struct Inner {
    pub(crate) parts: SnsParts,
    pub(crate) topics: Topics,
    pub(crate) turns: Turns,
    pub(crate) outbox: Outbox,
    pub(crate) signing: Signing,
    pub(crate) http: HttpClient,
    /// Rings when a delivery was written down.
    pub(crate) deliveries: Bell,
    /// Rings when a publication was written down.
    pub(crate) publications: Bell,
    numbers: AtomicU64,
}

impl std::ops::Deref for Sns {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Sns {
    /// The service over these parts. Reads nothing yet.
    #[must_use]
    pub fn new(mut parts: SnsParts) -> Self {
        parts.endpoint.truncate(parts.endpoint.trim_end_matches('/').len());
        let inner = Inner {
            parts,
            topics: Topics::default(),
            turns: Turns::default(),
            outbox: Outbox::default(),
            signing: Signing::default(),
            http: HttpClient::default(),
            deliveries: Bell::default(),
            publications: Bell::default(),
            numbers: AtomicU64::default(),
        };
        Self(Arc::new(inner))
    }

    /// Begins to deliver what is due. To be called once the ports are filled.
    pub fn start(&self) {
        let SnsParts { tasks, clock, .. } = &self.parts;
        // Each job looks at what the last run left before virtual time moves on.
        let job = background::publication::run(self.clone(), clock.hold());
        tasks.spawn_until_shutdown("sns publications", job);
        tasks.spawn_until_shutdown("sns deliveries", background::delivery::run(self.clone(), clock.hold()));
    }

    /// The newest e-mails and text messages, the newest one first; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn outbox(&self, limit: usize) -> Result<Vec<OutboxEntry>, Error> {
        let newest = outbox::newest(self, limit).await?;
        Ok(newest.into_iter().map(|(_, entry)| entry).collect())
    }

    /// The certificate, in PEM, that checks the signatures of notifications: `name` is what follows
    /// [`crate::CERTIFICATE_PATH`] in its URL. `None` when there is none of this name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn certificate(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.signing.certificate(self, name).await?)
    }

    /// A view of now.
    pub(crate) async fn snapshot(&self) -> Outcome<Box<dyn Snapshot>> {
        Ok(self.parts.store.snapshot().await?)
    }

    /// Commits a change of this topic or its subscriptions, and lets publications see it.
    ///
    /// # Errors
    /// Those of the commit.
    pub(crate) async fn commit(&self, key: &TopicKey, transaction: Transaction) -> Outcome<()> {
        let committed = self.parts.store.commit(transaction).await;
        if !matches!(committed, Err(CommitError::Conflict(_))) {
            // Even a commit whose outcome is unknown may have changed it.
            self.topics.forget(key);
        }
        committed.map(|_version| ()).map_err(Failure::from)
    }

    /// Orders what is written down: by time, and within a moment one after another.
    pub(crate) fn next_number(&self) -> u64 {
        let now = u64::try_from(self.parts.clock.now().as_micros()).unwrap_or(0);
        let next = |last: u64| Some(now.max(last + 1));
        self.numbers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .map_or(now, |last| now.max(last + 1))
    }
}

#[async_trait]
impl PublishToTopic for Sns {
    async fn topic(&self, topic: &Arn) -> Result<Option<TopicInfo>, TargetError> {
        let Some(key) = TopicKey::of_arn(topic) else { return Ok(None) };
        let found = publish::find_target(self, &key).await?;
        Ok(found.map(|topic| TopicInfo { fifo: topic.record.is_fifo() }))
    }

    async fn prepare_publication(&self, topic: &Arn, message: TopicMessage) -> Result<Prepared, TargetError> {
        let key = TopicKey::of_arn(topic).ok_or_else(|| TargetError::NotFound(topic.to_string()))?;
        publish::prepare(self, &key, message).await
    }
}

#[async_trait]
impl Agenda for Sns {
    async fn due(&self, limit: usize) -> Vec<Due> {
        background::delivery::agenda(self, limit).await.unwrap_or_else(|failure| {
            tracing::error!(?failure, "sns: what is due could not be read");
            Vec::new()
        })
    }
}

/// Each operation is in the module of its name.
macro_rules! delegate {
    ($($operation:ident($input:ty) -> $output:ty;)*) => {
        impl api_sns::Sns for Sns {
            $(async fn $operation(&self, context: &Context, input: $input) -> Result<$output, Error> {
                Ok(operations::$operation::run(self, context, input).await?)
            })*
        }
    };
}

delegate! {
    add_permission(AddPermissionInput) -> ();
    check_if_phone_number_is_opted_out(CheckIfPhoneNumberIsOptedOutInput) -> CheckIfPhoneNumberIsOptedOutResponse;
    confirm_subscription(ConfirmSubscriptionInput) -> ConfirmSubscriptionResponse;
    create_topic(CreateTopicInput) -> CreateTopicResponse;
    delete_topic(DeleteTopicInput) -> ();
    get_sms_attributes(GetSMSAttributesInput) -> GetSMSAttributesResponse;
    get_subscription_attributes(GetSubscriptionAttributesInput) -> GetSubscriptionAttributesResponse;
    get_topic_attributes(GetTopicAttributesInput) -> GetTopicAttributesResponse;
    list_phone_numbers_opted_out(ListPhoneNumbersOptedOutInput) -> ListPhoneNumbersOptedOutResponse;
    list_subscriptions(ListSubscriptionsInput) -> ListSubscriptionsResponse;
    list_subscriptions_by_topic(ListSubscriptionsByTopicInput) -> ListSubscriptionsByTopicResponse;
    list_tags_for_resource(ListTagsForResourceRequest) -> ListTagsForResourceResponse;
    list_topics(ListTopicsInput) -> ListTopicsResponse;
    opt_in_phone_number(OptInPhoneNumberInput) -> OptInPhoneNumberResponse;
    publish(PublishInput) -> PublishResponse;
    publish_batch(PublishBatchInput) -> PublishBatchResponse;
    remove_permission(RemovePermissionInput) -> ();
    set_sms_attributes(SetSMSAttributesInput) -> SetSMSAttributesResponse;
    set_subscription_attributes(SetSubscriptionAttributesInput) -> ();
    set_topic_attributes(SetTopicAttributesInput) -> ();
    subscribe(SubscribeInput) -> SubscribeResponse;
    tag_resource(TagResourceRequest) -> TagResourceResponse;
    unsubscribe(UnsubscribeInput) -> ();
    untag_resource(UntagResourceRequest) -> UntagResourceResponse;
}
