//! `GetTopicAttributes`.

use api_sns::{GetTopicAttributesInput, GetTopicAttributesResponse};
use wire::Context;

use crate::Sns;
use crate::errors::Outcome;
use crate::topic::{TopicKey, authorize, show_attributes};
use crate::topics;

pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: GetTopicAttributesInput,
) -> Outcome<GetTopicAttributesResponse> {
    let key = TopicKey::parse(context, &input.topic_arn)?;
    let topic = topics::get(sns, &key).await?;
    authorize(context, &key, &topic.record, "GetTopicAttributes")?;
    Ok(GetTopicAttributesResponse { attributes: Some(show_attributes(&topic)) })
}
