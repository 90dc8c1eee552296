//! `POST /_lambent/replay`: a failed event, once more.

use http::StatusCode;
use lambda::Lambda;
use serde::Deserialize;
use serde_json::json;
use targets::{FailedEvent, TargetError};
use trace::{Trace, TraceError};
use wire::Response;

use crate::answer::{failure, invalid, json, store_failed};

/// Which.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    id: String,
}

pub(crate) async fn run(lambda: &Lambda, trace: &Trace, body: &[u8]) -> Response {
    let id = match serde_json::from_slice(body) {
        Ok(Replay { id }) => id,
        Err(error) => return invalid(&format!("{{\"id\": \"REQUEST ID\"}} is expected: {error}")),
    };
    let event = match find(trace, &id).await {
        Ok(Some(event)) => event,
        Ok(None) => {
            return failure(
                StatusCode::NOT_FOUND,
                &format!("no failed event {id} is kept"),
                Some("lambent events --failed lists those that are"),
            );
        }
        Err(error) => return store_failed(&error),
    };
    let (id, function) = (event.id.clone(), event.function.to_string());
    let request_id = match lambda.replay(event).await {
        Ok(request_id) => request_id.to_string(),
        Err(error @ TargetError::NotFound(_)) => {
            return failure(StatusCode::NOT_FOUND, &error.to_string(), Some("create the function again"));
        }
        Err(error) => return failure(StatusCode::CONFLICT, &error.to_string(), Some("try again later")),
    };
    // It runs again whatever happens to this note, which only keeps it out of the next replay of all.
    if let Err(error) = trace.mark_replayed(&id, &request_id).await {
        tracing::error!(%error, id, "it cannot be noted that an event was run again");
    }
    json(StatusCode::OK, &json!({ "id": id, "function": function, "request_id": request_id }))
}

/// By its request id, or by the id of a message that it became in a dead-letter queue or a destination.
async fn find(trace: &Trace, id: &str) -> Result<Option<FailedEvent>, TraceError> {
    if let Some(event) = trace.failed_event(id).await? {
        return Ok(Some(event));
    }
    for subject in trace.story(id).await?.subjects {
        if let Some(event) = trace.failed_event(&subject).await? {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use ids::FunctionArn;
    use targets::{RecordTrace, What};
    use tasks::Tasks;

    use super::*;
    use crate::testing::{START, step, store, trace};

    #[tokio::test]
    async fn an_event_is_found_by_the_message_that_it_became() {
        let trace = trace(&store(), &Tasks::new());
        let event = FailedEvent {
            id: "event".to_owned(),
            at: START,
            function: FunctionArn::parse("arn:aws:lambda:eu-central-1:000000000000:function:f").unwrap(),
            condition: "RetriesExhausted".to_owned(),
            error: None,
            payload: Bytes::from_static(b"{}"),
        };
        trace.keep(event.clone());
        let role = "dead-letter queue".to_owned();
        trace.record(step(START, "event", What::Sent { to: "q".to_owned(), role, id: "letter".to_owned() }));
        let from = Some("event".to_owned());
        let accepted = What::Accepted { by: "lambda".to_owned(), from, size_bytes: 2 };
        trace.record(step(START, "letter", accepted));
        assert_eq!(find(&trace, "event").await.unwrap(), Some(event.clone()));
        assert_eq!(find(&trace, "letter").await.unwrap(), Some(event));
        assert_eq!(find(&trace, "nobody").await.unwrap(), None);
    }
}
