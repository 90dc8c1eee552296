//! How often, and when, a delivery is tried again. Source: Amazon SNS developer guide, "Amazon SNS message delivery
//! retries". AWS adds jitter to the delays; here they are exact.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::errors::{Outcome, invalid, unsupported};

/// "The total policy retry time for an HTTP/S endpoint cannot be greater than 3,600 seconds."
const TOTAL_SECONDS_MAX: u64 = 3_600;

const RETRIES_MAX: u64 = 100;

const CONTENT_TYPE: &str = "text/plain; charset=UTF-8";

/// The content types that `headerContentType` can name.
const CONTENT_TYPES: [&str; 20] = [
    CONTENT_TYPE,
    "text/plain",
    "application/json",
    "application/json; charset=UTF-8",
    "application/atom+xml",
    "application/javascript",
    "application/rss+xml",
    "application/soap+xml",
    "application/vnd.api+json",
    "application/x-ndjson",
    "application/xhtml+xml",
    "application/x-www-form-urlencoded",
    "application/xml",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/markdown",
    "text/xml",
    "text/javascript",
];

/// The shape of the backoff phase. AWS publishes a picture of the four, not the formulas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Backoff {
    Linear,
    Arithmetic,
    Geometric,
    Exponential,
}

/// The four phases of a delivery policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RetryPolicy {
    /// Retries at once.
    no_delay: u32,
    /// Retries after the least delay.
    min_delay: u32,
    /// Retries after growing delays.
    backoff: u32,
    /// Retries after the greatest delay.
    max_delay: u32,
    min_delay_seconds: u64,
    max_delay_seconds: u64,
    function: Backoff,
}

/// "AWS managed endpoints": functions and queues.
pub(crate) const MANAGED: RetryPolicy = RetryPolicy {
    no_delay: 3,
    min_delay: 2,
    backoff: 10,
    max_delay: 100_000,
    min_delay_seconds: 1,
    max_delay_seconds: 20,
    function: Backoff::Exponential,
};

impl RetryPolicy {
    /// How long to wait after this many failed attempts; `None` once all retries are used up.
    pub(crate) fn delay(&self, failed_attempts: u32) -> Option<Duration> {
        let mut retry = failed_attempts.checked_sub(1)?;
        let seconds = if retry < self.no_delay {
            0.0
        } else {
            retry -= self.no_delay;
            if retry < self.min_delay {
                seconds(self.min_delay_seconds)
            } else {
                retry -= self.min_delay;
                if retry < self.backoff {
                    self.backoff_seconds(retry)
                } else if retry - self.backoff < self.max_delay {
                    seconds(self.max_delay_seconds)
                } else {
                    return None;
                }
            }
        };
        Some(Duration::from_secs_f64(seconds))
    }

    fn backoff_seconds(&self, step: u32) -> f64 {
        let (least, most) = (seconds(self.min_delay_seconds), seconds(self.max_delay_seconds));
        if self.backoff < 2 {
            return least;
        }
        let share = f64::from(step) / f64::from(self.backoff - 1);
        let growth = match self.function {
            Backoff::Linear => share,
            Backoff::Arithmetic => share * share,
            Backoff::Geometric => share * share * share,
            Backoff::Exponential => return least * (most / least).powf(share),
        };
        least + (most - least) * growth
    }

    /// All delays together, in whole seconds.
    fn total_seconds(&self) -> u64 {
        let retries = self.no_delay + self.min_delay + self.backoff + self.max_delay;
        (1..=retries).filter_map(|failed| self.delay(failed)).sum::<Duration>().as_secs()
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most 3,600")]
fn seconds(seconds: u64) -> f64 {
    seconds as f64
}

/// What is asked of a delivery over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpPolicy {
    pub(crate) retries: RetryPolicy,
    pub(crate) content_type: String,
}

/// What AWS does without a policy.
fn default_retry_policy() -> Map<String, Value> {
    let policy = json!({
        "minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3, "numMaxDelayRetries": 0,
        "numNoDelayRetries": 0, "numMinDelayRetries": 0, "backoffFunction": "linear",
    });
    policy.as_object().cloned().unwrap_or_default()
}

/// Checks a topic's `DeliveryPolicy`; nothing at all removes it.
///
/// # Errors
/// `InvalidParameter`.
pub(crate) fn check_of_topic(text: &str, prefix: &str) -> Outcome<()> {
    if text.is_empty() {
        return Ok(());
    }
    let policy = parse(text, prefix)?;
    for (name, part) in &policy {
        match (name.as_str(), part.as_object()) {
            ("http", Some(http)) => check_http(http, prefix)?,
            _ => return Err(wrong(prefix, &format!("unknown attribute {name}"))),
        }
    }
    Ok(())
}

fn check_http(http: &Map<String, Value>, prefix: &str) -> Outcome<()> {
    for (name, part) in http {
        match (name.as_str(), part) {
            (_, Value::Null) => {}
            ("defaultHealthyRetryPolicy", part) => check_retry_policy(part, prefix)?,
            ("disableSubscriptionOverrides", Value::Bool(_)) => {}
            ("defaultRequestPolicy", part) => check_request_policy(part, prefix)?,
            ("defaultThrottlePolicy" | "defaultSicklyRetryPolicy", _) => {
                return Err(unsupported(&format!("DeliveryPolicy {name}")));
            }
            _ => return Err(wrong(prefix, &format!("unknown attribute {name}"))),
        }
    }
    Ok(())
}

/// Checks a subscription's `DeliveryPolicy`; nothing at all removes it.
///
/// # Errors
/// `InvalidParameter`.
pub(crate) fn check_of_subscription(text: &str, prefix: &str) -> Outcome<()> {
    if text.is_empty() {
        return Ok(());
    }
    for (name, part) in &parse(text, prefix)? {
        match (name.as_str(), part) {
            (_, Value::Null) => {}
            ("healthyRetryPolicy", part) => check_retry_policy(part, prefix)?,
            ("requestPolicy", part) => check_request_policy(part, prefix)?,
            ("throttlePolicy" | "sicklyRetryPolicy", _) => {
                return Err(unsupported(&format!("DeliveryPolicy {name}")));
            }
            _ => return Err(wrong(prefix, &format!("unknown attribute {name}"))),
        }
    }
    Ok(())
}

fn parse(text: &str, prefix: &str) -> Outcome<Map<String, Value>> {
    serde_json::from_str(text).map_err(|_| invalid(format!("{prefix}DeliveryPolicy: failed to parse JSON.")))
}

fn wrong(prefix: &str, reason: &str) -> crate::errors::Failure {
    invalid(format!("{prefix}DeliveryPolicy: {reason}"))
}

fn check_request_policy(part: &Value, prefix: &str) -> Outcome<()> {
    let known = |name: &str, value: &Value| {
        name == "headerContentType" && value.as_str().is_some_and(|value| CONTENT_TYPES.contains(&value))
    };
    match part.as_object() {
        Some(policy) if policy.iter().all(|(name, value)| known(name, value)) => Ok(()),
        _ => Err(wrong(prefix, "requestPolicy.headerContentType is not one of the supported content types")),
    }
}

fn check_retry_policy(part: &Value, prefix: &str) -> Outcome<()> {
    let Some(given) = part.as_object() else {
        return Err(wrong(prefix, "healthyRetryPolicy must be an object"));
    };
    let mut policy = default_retry_policy();
    for (name, value) in given {
        if !policy.contains_key(name) {
            return Err(wrong(prefix, &format!("unknown attribute healthyRetryPolicy.{name}")));
        }
        policy.insert(name.clone(), value.clone());
    }
    // With one of the delays given, the default of the other one must not contradict it.
    if let (Some(least), None) = (given.get("minDelayTarget"), given.get("maxDelayTarget"))
        && least.as_u64() > Some(20)
    {
        policy.insert("maxDelayTarget".to_owned(), least.clone());
    }
    let number = |name: &str, most: u64| match policy[name].as_u64() {
        Some(number) if number <= most => Ok(number),
        _ => Err(wrong(prefix, &format!("healthyRetryPolicy.{name} must be between 0 and {most}"))),
    };
    let retries = number("numRetries", RETRIES_MAX)?;
    let phases = number("numNoDelayRetries", retries)?
        + number("numMinDelayRetries", retries)?
        + number("numMaxDelayRetries", retries)?;
    let most = number("maxDelayTarget", TOTAL_SECONDS_MAX)?;
    if number("minDelayTarget", most)? == 0 {
        return Err(wrong(prefix, "healthyRetryPolicy.minDelayTarget must be at least 1"));
    }
    if phases > retries {
        return Err(wrong(prefix, "healthyRetryPolicy.numRetries is less than the retries of its phases"));
    }
    if serde_json::from_value::<Backoff>(policy["backoffFunction"].clone()).is_err() {
        return Err(wrong(
            prefix,
            "healthyRetryPolicy.backoffFunction must be linear, arithmetic, geometric or exponential",
        ));
    }
    if retry_policy(&policy).total_seconds() > TOTAL_SECONDS_MAX {
        return Err(wrong(prefix, "the total retry time must not exceed 3600 seconds"));
    }
    Ok(())
}

/// What a checked retry policy comes to.
fn retry_policy(policy: &Map<String, Value>) -> RetryPolicy {
    let number = |name: &str| policy.get(name).and_then(Value::as_u64).unwrap_or(0);
    let count = |name: &str| u32::try_from(number(name)).unwrap_or(0);
    let (no_delay, min_delay, max_delay) =
        (count("numNoDelayRetries"), count("numMinDelayRetries"), count("numMaxDelayRetries"));
    let function = policy.get("backoffFunction").cloned().unwrap_or_default();
    RetryPolicy {
        no_delay,
        min_delay,
        backoff: count("numRetries").saturating_sub(no_delay + min_delay + max_delay),
        max_delay,
        min_delay_seconds: number("minDelayTarget"),
        max_delay_seconds: number("maxDelayTarget").max(number("minDelayTarget")),
        function: serde_json::from_value(function).unwrap_or(Backoff::Linear),
    }
}

/// A topic's `EffectiveDeliveryPolicy`: its own over AWS's.
fn effective(topic: Option<&str>) -> Map<String, Value> {
    let mut effective = json!({
        "defaultHealthyRetryPolicy": default_retry_policy(),
        "disableSubscriptionOverrides": false,
        "defaultRequestPolicy": { "headerContentType": CONTENT_TYPE },
    });
    let own: Value = topic.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    overlay(&mut effective, &own["http"]);
    effective.as_object().cloned().unwrap_or_default()
}

fn overlay(under: &mut Value, over: &Value) {
    match (under, over) {
        (_, Value::Null) => {}
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                overlay(under.entry(name.as_str()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

/// A topic's `EffectiveDeliveryPolicy`, as it is shown.
pub(crate) fn effective_of_topic(topic: Option<&str>) -> String {
    json!({ "http": effective(topic) }).to_string()
}

/// A subscription's own policy over its topic's, as `EffectiveDeliveryPolicy` of a subscription has it.
fn effective_for(topic: Option<&str>, subscription: Option<&str>) -> Value {
    let topic = effective(topic);
    let mut policy = json!({
        "healthyRetryPolicy": topic["defaultHealthyRetryPolicy"],
        "sicklyRetryPolicy": null,
        "throttlePolicy": null,
        "requestPolicy": topic["defaultRequestPolicy"],
        "guaranteed": false,
    });
    if topic["disableSubscriptionOverrides"] != Value::Bool(true) {
        let own: Value = subscription.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        overlay(&mut policy, &own);
    }
    policy
}

/// A subscription's `EffectiveDeliveryPolicy`, as it is shown.
pub(crate) fn effective_of_subscription(topic: Option<&str>, subscription: Option<&str>) -> String {
    effective_for(topic, subscription).to_string()
}

/// What is asked of deliveries to a subscription over HTTP.
pub(crate) fn http_policy(topic: Option<&str>, subscription: Option<&str>) -> HttpPolicy {
    let policy = effective_for(topic, subscription);
    let retries = policy["healthyRetryPolicy"]
        .as_object()
        .map_or_else(|| retry_policy(&default_retry_policy()), retry_policy);
    let content_type =
        policy["requestPolicy"]["headerContentType"].as_str().unwrap_or(CONTENT_TYPE).to_owned();
    HttpPolicy { retries, content_type }
}

#[cfg(test)]
mod tests;
