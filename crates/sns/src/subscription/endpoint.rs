//! Which endpoints a protocol has, and which topics they may subscribe to. Source: Amazon SNS API reference,
//! `Subscribe`.

use ids::{Arn, FunctionArn};

use crate::errors::{Outcome, invalid, invalid_as_is, unsupported};
use crate::tables::subscription::Protocol;

/// The longest URL or address that is taken.
const ENDPOINT_BYTES_MAX: usize = 2_048;

/// The protocol of this name.
///
/// # Errors
/// `InvalidParameter`.
pub(crate) fn parse_protocol(name: &str) -> Outcome<Protocol> {
    match name {
        "http" => Ok(Protocol::Http),
        "https" => Ok(Protocol::Https),
        "email" => Ok(Protocol::Email),
        "email-json" => Ok(Protocol::EmailJson),
        "sms" => Ok(Protocol::Sms),
        "sqs" => Ok(Protocol::Sqs),
        "lambda" => Ok(Protocol::Lambda),
        "application" | "firehose" => Err(unsupported(&format!("The protocol {name}"))),
        _ => Err(invalid(format!("Amazon SNS does not support this protocol string: {name}"))),
    }
}

/// Checks an endpoint that is to subscribe to a topic.
///
/// # Errors
/// `InvalidParameter`.
pub(crate) fn check_endpoint(protocol: Protocol, endpoint: &str, fifo_topic: bool) -> Outcome<()> {
    if endpoint.is_empty() || endpoint.len() > ENDPOINT_BYTES_MAX {
        return Err(invalid("Endpoint"));
    }
    match protocol {
        Protocol::Http | Protocol::Https => check_url(protocol, endpoint)?,
        Protocol::Email | Protocol::EmailJson if !is_email_address(endpoint) => {
            return Err(invalid("Email address"));
        }
        Protocol::Email | Protocol::EmailJson => {}
        Protocol::Sms if !is_phone_number(endpoint) => {
            return Err(invalid_as_is(format!("Invalid SMS endpoint: {endpoint}")));
        }
        Protocol::Sms => {}
        Protocol::Sqs => check_queue(endpoint, fifo_topic)?,
        Protocol::Lambda if FunctionArn::parse(endpoint).is_err() => {
            return Err(invalid("Lambda endpoint ARN"));
        }
        Protocol::Lambda => {}
    }
    if fifo_topic && protocol != Protocol::Sqs {
        return Err(invalid("Invalid parameter: Endpoint Reason: Please use FIFO SQS queue"));
    }
    Ok(())
}

fn check_url(protocol: Protocol, endpoint: &str) -> Outcome<()> {
    let scheme = format!("{}://", protocol.as_str());
    if !endpoint.starts_with(&scheme) {
        return Err(invalid("Endpoint must match the specified protocol"));
    }
    match endpoint.parse::<hyper::Uri>() {
        Ok(uri) if uri.host().is_some_and(|host| !host.is_empty()) => Ok(()),
        _ => Err(invalid("Endpoint")),
    }
}

fn check_queue(endpoint: &str, fifo_topic: bool) -> Outcome<()> {
    let is_queue = Arn::parse(endpoint).is_ok_and(|arn| arn.service == "sqs");
    if !is_queue {
        return Err(invalid("SQS endpoint ARN"));
    }
    if endpoint.ends_with(".fifo") && !fifo_topic {
        return Err(invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        ));
    }
    Ok(())
}

fn is_email_address(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    text.split_once('@').is_some_and(|(name, domain)| plain && !name.is_empty() && domain.contains('.'))
}

/// E.164: a plus, a digit that is not 0, and up to 14 more.
pub(crate) fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}
