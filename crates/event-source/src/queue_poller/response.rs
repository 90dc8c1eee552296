//! What a function with `ReportBatchItemFailures` says of a batch.

use std::collections::BTreeSet;

use serde_json::Value;

/// The ids of the messages that failed; `None` when the whole batch did, because what it says cannot be understood.
///
/// Source: AWS Lambda developer guide, "Implementing partial batch responses", "Success and failure conditions"; and
/// responses recorded from AWS: what has no `batchItemFailures` names no failure.
pub(super) fn failures(payload: &[u8], is_in_batch: impl Fn(&str) -> bool) -> Option<BTreeSet<String>> {
    if payload.trim_ascii().is_empty() {
        return Some(BTreeSet::new());
    }
    let mut response: Value = serde_json::from_slice(payload).ok()?;
    match &response {
        Value::Null => return Some(BTreeSet::new()),
        Value::String(text) if text.is_empty() => return Some(BTreeSet::new()),
        Value::Object(_) => {}
        _ => return None,
    }
    match response.get_mut("batchItemFailures").map(Value::take) {
        None | Some(Value::Null) => Some(BTreeSet::new()),
        Some(Value::Array(failures)) => failures
            .into_iter()
            .map(|failure| match failure.get("itemIdentifier") {
                Some(Value::String(id)) if is_in_batch(id) => Some(id.clone()),
                _ => None,
            })
            .collect(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str) -> Option<Vec<String>> {
        let failures = failures(payload.as_bytes(), |id| ["a", "b"].contains(&id))?;
        Some(failures.into_iter().collect())
    }

    #[test]
    fn nothing_failed() {
        for payload in [
            "",
            "null",
            "{}",
            r#""""#,
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":null}"#,
            r#"{"statusCode":200}"#,
        ] {
            assert_eq!(read(payload), Some(vec![]), "{payload}");
        }
    }

    #[test]
    fn some_failed() {
        let payload = r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"}]}"#;
        assert_eq!(read(payload), Some(vec!["b".to_owned()]));
        let payload = r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"a","why":1}]}"#;
        assert_eq!(read(payload), Some(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn what_is_malformed_fails_the_batch() {
        for payload in [
            "{",
            "done",
            r#""done""#,
            "[]",
            "[1]",
            "7",
            "true",
            r#"{"batchItemFailures":{}}"#,
            r#"{"batchItemFailures":"a"}"#,
            r#"{"batchItemFailures":["a"]}"#,
            r#"{"batchItemFailures":[null]}"#,
            r#"{"batchItemFailures":[{}]}"#,
            r#"{"batchItemFailures":[{"foo":"notvalid"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":7}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}"#,
        ] {
            assert_eq!(read(payload), None, "{payload}");
        }
    }
}
