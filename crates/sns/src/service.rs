//! The service: what it is made of, and where each operation is.

use std::sync::Arc;

use api_sns::*;
use async_trait::async_trait;
use clock::SharedClock;
use ids::{Arn, IdSource};
use store::SharedStore;
use targets::{
    Agenda, Due, Prepared, PublishToTopic, RecordMetrics, RecordTrace, TargetError, Targets, TopicInfo,
    TopicMessage,
};
use tasks::Tasks;
use wire::{Context, Error};

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
pub struct Sns {
    pub(crate) parts: Arc<SnsParts>,
}

impl Sns {
    /// The service over these parts. Reads nothing yet.
    #[must_use]
    pub fn new(parts: SnsParts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Begins to deliver what is due. To be called once the ports are filled.
    pub fn start(&self) {}
}

#[async_trait]
impl PublishToTopic for Sns {
    async fn topic(&self, _topic: &Arn) -> Result<Option<TopicInfo>, TargetError> {
        Ok(None)
    }

    async fn prepare_publication(
        &self,
        topic: &Arn,
        _message: TopicMessage,
    ) -> Result<Prepared, TargetError> {
        Err(TargetError::NotFound(topic.to_string()))
    }
}

#[async_trait]
impl Agenda for Sns {
    async fn due(&self, _limit: usize) -> Vec<Due> {
        Vec::new()
    }
}

/// Each operation is in the module of its name.
macro_rules! delegate {
    ($($operation:ident($input:ty) -> $output:ty;)*) => {
        impl api_sns::Sns for Sns {
            $(async fn $operation(&self, _context: &Context, _input: $input) -> Result<$output, Error> {
                Err(Error::not_implemented("sns", stringify!($operation)))
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
