//! Where failed events and the records of invocations may go. Source: AWS Lambda developer guide, "Retaining records of
//! asynchronous invocations": standard queues, standard topics, functions, event buses and (for failures) buckets.

use api_lambda::DestinationConfig;
use ids::{Arn, FunctionArn};
use targets::TargetError;

use crate::Lambda;
use crate::errors::{Failure, Outcome, invalid_parameter, unsupported};
use crate::tables::function::{FUNCTIONS, FunctionKey};

/// A queue or topic with this end of its name is a FIFO one, and no other can be (Amazon SQS API reference,
/// `CreateQueue`; Amazon SNS API reference, `CreateTopic`).
const FIFO: &str = ".fifo";

/// That records of this function's invocations can go where they are to go.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(crate) async fn check_destinations(
    lambda: &Lambda,
    key: &FunctionKey,
    config: &DestinationConfig,
) -> Outcome<()> {
    let success = config.on_success.as_ref().and_then(|one| one.destination.as_deref());
    let failure = config.on_failure.as_ref().and_then(|one| one.destination.as_deref());
    for (text, is_success) in [(failure, false), (success, true)] {
        let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
        let arn = Arn::parse(text).map_err(|_| unusable_destination(success, failure))?;
        match arn.service.as_str() {
            "sqs" => check_queue(lambda, &arn).await?,
            "sns" => check_topic(lambda, &arn).await?,
            "lambda" => check_function(lambda, key, &arn).await?,
            "events" => return Err(unsupported("An EventBridge event bus as destination")),
            "s3" if !is_success => return Err(unsupported("An S3 bucket as destination")),
            _ => return Err(unusable_destination(success, failure)),
        }
    }
    Ok(())
}

/// That this is a standard queue.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(crate) async fn check_queue(lambda: &Lambda, arn: &Arn) -> Outcome<()> {
    match lambda.targets.queues().map_err(unavailable)?.queue(arn).await.map_err(unavailable)? {
        Some(queue) if !queue.fifo => Ok(()),
        _ => Err(invalid(arn)),
    }
}

/// That this is a standard topic.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(crate) async fn check_topic(lambda: &Lambda, arn: &Arn) -> Outcome<()> {
    match lambda.targets.topics().map_err(unavailable)?.topic(arn).await.map_err(unavailable)? {
        Some(topic) if !topic.fifo => Ok(()),
        _ => Err(invalid(arn)),
    }
}

async fn check_function(lambda: &Lambda, key: &FunctionKey, arn: &Arn) -> Outcome<()> {
    let function = FunctionArn::parse(&arn.to_string()).map_err(|_| invalid(arn))?;
    // A function of another account or region cannot be invoked through this one's API either.
    if (&function.account, &function.region) != (&key.account, &key.region) {
        return Err(invalid(arn));
    }
    let other = FunctionKey { name: function.name, ..key.clone() };
    if other == *key {
        return Err(invalid_parameter("You can't specify the function as a destination for itself."));
    }
    match FUNCTIONS.get_now(&*lambda.store, &other.parts()).await? {
        Some(_) => Ok(()),
        None => Err(invalid(arn)),
    }
}

/// That this can be a function's dead-letter queue. Whether it exists is not asked: AWS looks at the role's permission
/// alone, and what cannot be sent there counts as `DeadLetterErrors`.
///
/// # Errors
/// `InvalidParameterValueException`, with AWS's texts.
pub(crate) fn check_dead_letter(key: &FunctionKey, text: &str) -> Outcome<()> {
    let refused = |what: &str| Err(invalid_parameter(format!("Invalid dead letter queue ARN: {what}")));
    let Ok(arn) = Arn::parse(text) else {
        return refused("The resource specified by the TargetArn is malformed.");
    };
    let kind = match arn.service.as_str() {
        "sqs" => "SQS queue",
        "sns" => "SNS topic",
        _ => {
            return refused(
                "The service specified by the TargetArn is not supported for dead letter configuration.",
            );
        }
    };
    if arn.region != key.region.as_str() {
        return refused(
            "The resource specified by the TargetArn must be in the same region as the Lambda function it's \
             associated with.",
        );
    }
    if arn.resource.ends_with(FIFO) {
        return refused(&format!("FIFO {kind} is not supported for dead letter configuration"));
    }
    Ok(())
}

/// What AWS says of a destination that does not exist or is not of a usable kind.
fn invalid(arn: &Arn) -> Failure {
    invalid_parameter(format!("The destination ARN {arn} is invalid."))
}

/// What AWS says of the ARN of a service that records cannot go to.
pub(crate) fn unusable_destination(success: Option<&str>, failure: Option<&str>) -> Failure {
    let shown = |name: &str, arn: Option<&str>| {
        arn.filter(|arn| !arn.is_empty())
            .map_or_else(|| "null".to_owned(), |arn| format!("{name}(destination={arn})"))
    };
    invalid_parameter(format!(
        "The provided destination config DestinationConfig(onSuccess={}, onFailure={}) is invalid.",
        shown("OnSuccess", success),
        shown("OnFailure", failure)
    ))
}

fn unavailable(error: TargetError) -> Failure {
    Failure::Internal(error.to_string())
}
