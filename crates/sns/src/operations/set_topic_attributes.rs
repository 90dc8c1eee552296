//! `SetTopicAttributes`.

use api_sns::SetTopicAttributesInput;
use wire::Context;

use crate::Sns;
use crate::errors::{Outcome, invalid};
use crate::tables::topic::TopicRecord;
use crate::topic::{self, TopicKey, authorize, check_attribute};

pub(crate) async fn run(sns: &Sns, context: &Context, input: SetTopicAttributesInput) -> Outcome<()> {
    let key = TopicKey::parse(context, &input.topic_arn)?;
    let SetTopicAttributesInput { attribute_name: name, attribute_value, .. } = input;
    let value = attribute_value.unwrap_or_default();
    let change = |record: &mut TopicRecord, _: &mut _| {
        authorize(context, &key, record, "SetTopicAttributes")?;
        if name == "FifoTopic" {
            return Err(invalid("AttributeName"));
        }
        check_attribute(record.is_fifo(), &name, &value, "")?;
        record.attributes.insert(name.clone(), value.clone());
        Ok(())
    };
    topic::change(sns, &key, change).await
}
