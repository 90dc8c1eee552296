//! `DescribeStreamConsumer`.

use api_kinesis::{DescribeStreamConsumerInput, DescribeStreamConsumerOutput};
use wire::{Context, Error};

use crate::consumer::ConsumerReference;
use crate::service::Inner;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: DescribeStreamConsumerInput,
) -> Result<DescribeStreamConsumerOutput, Error> {
    let reference = ConsumerReference {
        arn: input.consumer_arn,
        stream_arn: input.stream_arn,
        name: input.consumer_name,
        stream_id: input.stream_id,
    };
    let consumer = reference.find(inner, context).await?;
    Ok(DescribeStreamConsumerOutput { consumer_description: consumer.description() })
}
