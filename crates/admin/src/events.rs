//! `GET /_lambent/events`: what happened last, and what failed.

use clock::Timestamp;
use http::StatusCode;
use serde_json::{Value, json};
use trace::{Failed, FailedFilter, Trace};
use wire::Response;

use crate::answer::{invalid, json, store_failed};
use crate::query::Query;
use crate::step::{StepDocument, error};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 10_000;

pub(crate) async fn show(trace: &Trace, query: &str) -> Response {
    match read(query) {
        Ok((None, limit)) => show_steps(trace, limit).await,
        Ok((Some(filter), limit)) => show_failed(trace, &filter, limit).await,
        Err(message) => invalid(&message),
    }
}

/// The failed events that are asked for, if any, and how many.
fn read(query: &str) -> Result<(Option<FailedFilter>, usize), String> {
    let query = Query::parse(query, &["failed", "function", "since", "limit"])?;
    let limit = query.limit(LIMIT_DEFAULT, LIMIT_MAX)?;
    let since = query.text("since").map(Timestamp::parse_iso8601).transpose();
    let since = since.map_err(|error| format!("since: {error}"))?;
    let function = query.text("function").map(str::to_owned);
    match query.text("failed") {
        Some("true") => Ok((Some(FailedFilter { function, since }), limit)),
        Some("false") | None if since.is_none() && function.is_none() => Ok((None, limit)),
        Some("false") | None => Err("function and since choose among failed=true".to_owned()),
        Some(_) => Err("failed is true or false".to_owned()),
    }
}

async fn show_steps(trace: &Trace, limit: usize) -> Response {
    match trace.recent(limit).await {
        Ok(steps) => {
            let steps: Vec<StepDocument> = steps.iter().map(StepDocument::of).collect();
            json(StatusCode::OK, &json!({ "steps": steps, "left_out": trace.left_out() }))
        }
        Err(error) => store_failed(&error),
    }
}

async fn show_failed(trace: &Trace, filter: &FailedFilter, limit: usize) -> Response {
    match trace.failed(filter, limit + 1).await {
        Ok(mut events) => {
            let more = events.len() > limit;
            events.truncate(limit);
            let events: Vec<Value> = events.iter().map(show_event).collect();
            json(StatusCode::OK, &json!({ "events": events, "more": more }))
        }
        Err(error) => store_failed(&error),
    }
}

fn show_event(failed: &Failed) -> Value {
    json!({
        "id": failed.id,
        "at": failed.at.iso8601_millis(),
        "function": failed.function.to_string(),
        "condition": failed.condition,
        "error": error(failed.error.as_ref()),
        "size_bytes": failed.size_bytes,
        "replayed_as": failed.replayed_as,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use ids::FunctionArn;
    use targets::{FailedEvent, RecordTrace, What};
    use tasks::Tasks;

    use super::*;
    use crate::testing::{START, read, step, store, trace};

    #[tokio::test]
    async fn failed_events_are_listed_without_their_payload() {
        let trace = trace(&store(), &Tasks::new());
        let arn = "arn:aws:lambda:eu-central-1:000000000000:function:f";
        for id in ["first", "second"] {
            trace.keep(FailedEvent {
                id: id.to_owned(),
                at: START,
                function: FunctionArn::parse(arn).unwrap(),
                condition: "RetriesExhausted".to_owned(),
                error: Some(("ValueError".to_owned(), "no".to_owned())),
                payload: Bytes::from_static(b"\"secret\""),
            });
        }
        let (status, document) = read(show(&trace, "failed=true&function=f&limit=1").await);
        assert_eq!((status, &document["more"]), (200, &json!(true)));
        let expected = json!([{
            "id": "second",
            "at": "2024-01-31T08:05:09.123Z",
            "function": arn,
            "condition": "RetriesExhausted",
            "error": { "type": "ValueError", "message": "no" },
            "size_bytes": 8,
            "replayed_as": null,
        }]);
        assert_eq!(document["events"], expected);
        let (_, document) = read(show(&trace, "failed=true&since=2024-02-01T00:00:00Z").await);
        assert_eq!((&document["events"], &document["more"]), (&json!([]), &json!(false)));
    }

    #[tokio::test]
    async fn what_happened_last_is_listed_by_time() {
        let trace = trace(&store(), &Tasks::new());
        for count in 1..=3 {
            trace.record(step(START, "message", What::Received { count }));
        }
        let (status, document) = read(show(&trace, "limit=2").await);
        let counts: Vec<u64> = document["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["count"].as_u64().unwrap())
            .collect();
        assert_eq!((status, counts), (200, vec![2, 3]));
    }

    #[tokio::test]
    async fn what_would_be_ignored_is_refused() {
        let trace = trace(&store(), &Tasks::new());
        for query in
            ["function=f", "failed=false&since=2024-02-01T00:00:00Z", "failed=yes", "failed=true&since=1h"]
        {
            assert_eq!(read(show(&trace, query).await).0, 400, "{query}");
        }
    }
}
