//! `DestinationConfig`: where the record of a batch goes that was given up. Source: AWS Lambda developer guide, "Retain
//! discarded batch records for a Kinesis Data Streams event source in Lambda".

use api_lambda::DestinationConfig;
use ids::Arn;

use super::Kind;
use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter, unsupported};
use crate::events::{check_queue, check_topic, unusable_destination};

/// The queue or topic, or none, that a request asks for.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(super) async fn read_destination(
    lambda: &Lambda,
    config: &DestinationConfig,
    kind: Kind,
) -> Outcome<Option<Arn>> {
    fn given(text: Option<&String>) -> Option<&str> {
        text.map(String::as_str).filter(|text| !text.is_empty())
    }
    let success = given(config.on_success.as_ref().and_then(|one| one.destination.as_ref()));
    let failure = given(config.on_failure.as_ref().and_then(|one| one.destination.as_ref()));
    if success.is_some() || (kind == Kind::Queue && failure.is_some()) {
        return Err(invalid_parameter(
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ));
    }
    let Some(text) = failure else { return Ok(None) };
    if text.starts_with("kafka://") {
        return Err(unsupported("A Kafka topic as destination"));
    }
    let arn = Arn::parse(text).map_err(|_| unusable_destination(None, Some(text)))?;
    match arn.service.as_str() {
        "sqs" => check_queue(lambda, &arn).await?,
        "sns" => check_topic(lambda, &arn).await?,
        "s3" => return Err(unsupported("An S3 bucket as destination")),
        _ => return Err(unusable_destination(None, Some(text))),
    }
    Ok(Some(arn))
}
