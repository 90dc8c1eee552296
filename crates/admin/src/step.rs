//! A step of a story as a document.

use serde::Serialize;
use serde_json::{Value, json};
use targets::{Attempted, Step, What};

/// The longest error message in a sentence; the field beside it has all of it.
const MESSAGE_CHARS_MAX: usize = 200;

/// A step: where and when, a sentence that says what happened, and the same in fields.
#[derive(Debug, Serialize)]
pub(crate) struct StepDocument {
    at: String,
    subject: String,
    account: String,
    region: String,
    resource: String,
    what: &'static str,
    text: String,
    #[serde(flatten)]
    details: Value,
}

impl StepDocument {
    pub(crate) fn of(step: &Step) -> Self {
        let (what, text, details) = describe(&step.what);
        Self {
            at: step.at.iso8601_millis(),
            subject: step.subject.clone(),
            account: step.account.to_string(),
            region: step.region.to_string(),
            resource: step.resource.clone(),
            what,
            text,
            details,
        }
    }

    /// With what the attempt logged.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.details[name] = value;
        self
    }
}

/// The kind, a sentence, and the fields.
fn describe(what: &What) -> (&'static str, String, Value) {
    match what {
        What::Accepted { by, from, size_bytes } => {
            let details = json!({ "by": by, "from": from, "size_bytes": size_bytes });
            ("accepted", format!("accepted from {by}, {size_bytes} bytes"), details)
        }
        What::Attempted(attempted) => ("attempted", tell(attempted), fields(attempted)),
        What::Deferred { reason } => {
            ("deferred", format!("turned away: {reason}"), json!({ "reason": reason }))
        }
        What::Waits { until, reason } => {
            let until = until.iso8601_millis();
            ("waits", format!("waits until {until}: {reason}"), json!({ "until": until, "reason": reason }))
        }
        What::Received { count } => {
            ("received", format!("received by a consumer, time {count}"), json!({ "count": count }))
        }
        What::Returned => ("returned", "visible again".to_owned(), json!({})),
        What::Deleted => ("deleted", "deleted by a consumer".to_owned(), json!({})),
        What::Sent { to, role, id } => {
            let text = format!("sent to {to} ({role}) as {id}");
            ("sent", text, json!({ "to": to, "role": role, "id": id }))
        }
        What::NotSent { to, role, reason } => {
            let text = format!("could not be sent to {to} ({role}): {reason}");
            ("not_sent", text, json!({ "to": to, "role": role, "reason": reason }))
        }
        What::Ended { condition } => {
            let text =
                if condition == "Success" { "done".to_owned() } else { format!("given up: {condition}") };
            ("ended", text, json!({ "condition": condition }))
        }
    }
}

fn tell(attempted: &Attempted) -> String {
    let Attempted { number, version, duration, cold, error, failed_items, .. } = attempted;
    let ms = duration.as_millis();
    let start = if *cold { ", on a new environment" } else { "" };
    match error {
        None if *failed_items > 0 => format!(
            "attempt {number} ended in {ms} ms and reported items of its batch as failed: {failed_items} (version \
             {version}{start})"
        ),
        None => format!("attempt {number} succeeded in {ms} ms (version {version}{start})"),
        Some((kind, message)) => {
            let line = message.lines().next().unwrap_or_default();
            let mut short: String = line.chars().take(MESSAGE_CHARS_MAX).collect();
            if short.len() < line.len() {
                short.push('…');
            }
            format!("attempt {number} failed after {ms} ms (version {version}{start}): {kind}: {short}")
        }
    }
}

fn fields(attempted: &Attempted) -> Value {
    json!({
        "attempt": attempted.number,
        "version": attempted.version,
        "duration_ms": attempted.duration.as_secs_f64() * 1_000.0,
        "cold": attempted.cold,
        "error": error(attempted.error.as_ref()),
        "failed_items": attempted.failed_items,
        "log_group": attempted.log_group,
        "log_stream": attempted.log_stream,
        "environment": environment(&attempted.log_stream),
    })
}

/// An error's type and message.
pub(crate) fn error(error: Option<&(String, String)>) -> Value {
    error.map_or(Value::Null, |(kind, message)| json!({ "type": kind, "message": message }))
}

/// A function's stream is named `2026/11/23/[$LATEST]0123...`, after the environment.
fn environment(log_stream: &str) -> &str {
    log_stream.rsplit_once(']').map_or(log_stream, |(_, environment)| environment)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn attempted(error: Option<(&str, &str)>) -> What {
        What::Attempted(Attempted {
            number: 2,
            version: "3".to_owned(),
            duration: Duration::from_micros(12_500),
            cold: true,
            error: error.map(|(kind, message)| (kind.to_owned(), message.to_owned())),
            failed_items: 0,
            log_group: "/aws/lambda/f".to_owned(),
            log_stream: "2026/11/23/[3]0123".to_owned(),
        })
    }

    #[test]
    fn an_attempt_is_told_in_a_line_and_in_fields() {
        let (what, text, details) = describe(&attempted(Some(("ValueError", "no\nmore"))));
        assert_eq!(what, "attempted");
        assert_eq!(text, "attempt 2 failed after 12 ms (version 3, on a new environment): ValueError: no");
        assert_eq!(details["error"], json!({ "type": "ValueError", "message": "no\nmore" }));
        assert_eq!((&details["duration_ms"], &details["environment"]), (&json!(12.5), &json!("0123")));
        let (_, text, details) = describe(&attempted(None));
        assert_eq!(text, "attempt 2 succeeded in 12 ms (version 3, on a new environment)");
        let What::Attempted(attempted) = attempted(None) else { panic!("not an attempt") };
        let (_, partial, fields) = describe(&What::Attempted(Attempted { failed_items: 3, ..attempted }));
        let expected = "attempt 2 ended in 12 ms and reported items of its batch as failed: 3 (version 3, on a new environment)";
        assert_eq!((&*partial, &fields["failed_items"]), (expected, &json!(3)));
        assert_eq!(details["error"], Value::Null);
    }

    #[test]
    fn success_and_giving_up_read_differently() {
        let ended = |condition: &str| describe(&What::Ended { condition: condition.to_owned() }).1;
        assert_eq!(ended("Success"), "done");
        assert_eq!(ended("EventAgeExceeded"), "given up: EventAgeExceeded");
    }
}
