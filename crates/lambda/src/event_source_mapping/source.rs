//! What a mapping reads from.

use std::time::Duration;

use api_lambda::CreateEventSourceMappingRequest;
use event_source::{Mapping, Polling};
use ids::Arn;
use targets::TargetError;
use wire::Context;

use super::change::unsupported_parameter;
use crate::Lambda;
use crate::errors::{Failure, Outcome, invalid_parameter, unsupported};

/// What kind of source it is: each has parameters of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An SQS queue, standard or FIFO.
    Queue,
    /// A Kinesis stream, or a consumer of one.
    Stream,
}

impl Kind {
    pub(crate) const fn of(mapping: &Mapping) -> Self {
        match mapping.polling {
            Polling::Queue(_) => Self::Queue,
            Polling::Stream(_) => Self::Stream,
        }
    }
}

/// The source that a request names.
///
/// # Errors
/// `InvalidParameterValueException` for anything that is not polled.
pub(crate) fn read_source(input: &CreateEventSourceMappingRequest) -> Outcome<(Arn, Kind)> {
    if input.self_managed_event_source.is_some() || input.self_managed_kafka_event_source_config.is_some() {
        return Err(unsupported("Self-managed Apache Kafka as an event source"));
    }
    let unrecognized = || invalid_parameter("Unrecognized event source.");
    let text = input.event_source_arn.as_deref().ok_or_else(unrecognized)?;
    let arn = Arn::parse(text).map_err(|_| unrecognized())?;
    let found = match arn.service.as_str() {
        "sqs" if !arn.resource.contains([':', '/']) => (arn, Kind::Queue),
        "kinesis" if is_stream(&arn.resource) => (arn, Kind::Stream),
        "dynamodb" => return Err(unsupported("A DynamoDB stream as an event source")),
        "kafka" => return Err(unsupported("Amazon MSK as an event source")),
        "mq" => return Err(unsupported("Amazon MQ as an event source")),
        "rds" => return Err(unsupported("Amazon DocumentDB as an event source")),
        _ => return Err(unrecognized()),
    };
    // What only brokers have.
    for (name, given) in [("'topics'", &input.topics), ("'queues'", &input.queues)] {
        if given.is_some() {
            return Err(unsupported_parameter(name));
        }
    }
    Ok(found)
}

/// `stream/NAME` or `stream/NAME/consumer/NAME:CREATED`.
fn is_stream(resource: &str) -> bool {
    let Some(name) = resource.strip_prefix("stream/") else { return false };
    match name.split_once('/') {
        None => !name.is_empty(),
        Some((_, rest)) => rest.strip_prefix("consumer/").is_some_and(|consumer| !consumer.is_empty()),
    }
}

/// That the function's role may read from the source, as far as that is decided here: policies are not evaluated, and
/// without them nobody reads what belongs to another account.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(crate) fn check_reachable(context: &Context, source: &Arn, kind: Kind) -> Outcome<()> {
    if source.region != context.region.as_str() {
        return Err(invalid_parameter(format!(
            "The event source {source} is not in the function's region ({}).",
            context.region
        )));
    }
    if source.account == context.account.as_str() {
        return Ok(());
    }
    Err(invalid_parameter(match kind {
        Kind::Queue => {
            "The provided execution role does not have permissions to call ReceiveMessage on SQS".to_owned()
        }
        Kind::Stream => format!(
            "Cannot access stream {source}. Please ensure the role can perform the GetRecords, GetShardIterator, \
             DescribeStream, ListShards, and ListStreams Actions on your stream in IAM."
        ),
    }))
}

/// The visibility timeout of the queue, which must exist.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(crate) async fn find_queue(lambda: &Lambda, arn: &Arn) -> Outcome<Duration> {
    match lambda.event_sources.queues().queue(arn).await {
        Ok(Some(queue)) => Ok(queue.settings().visibility_timeout),
        Ok(None) | Err(TargetError::NotFound(_)) => Err(invalid_parameter(
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error \
             Message: The specified queue does not exist.",
        )),
        Err(error) => Err(unavailable(error)),
    }
}

/// That the stream, and its consumer if one is meant, exists.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(crate) async fn find_stream(lambda: &Lambda, arn: &Arn) -> Outcome<()> {
    match lambda.event_sources.streams().stream(arn).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) | Err(TargetError::NotFound(_)) => {
            Err(invalid_parameter(format!("Stream not found: {arn}")))
        }
        Err(error) => Err(unavailable(error)),
    }
}

fn unavailable(error: TargetError) -> Failure {
    Failure::Internal(error.to_string())
}
