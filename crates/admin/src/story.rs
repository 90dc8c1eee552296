//! `GET /_lambent/trace/ID`: the story of an event or a message, with what its attempts logged.

mod log_lines;

use std::collections::HashMap;

use http::StatusCode;
use logs::CloudWatchLogs;
use percent_encoding::percent_decode_str;
use serde_json::json;
use targets::{Attempted, Step, What};
use trace::Trace;
use wire::Response;

use crate::answer::{failure, json, store_failed};
use crate::step::StepDocument;
use log_lines::{Run, Stream};

pub(crate) async fn show(trace: &Trace, logs: &CloudWatchLogs, id: &str) -> Response {
    let id = percent_decode_str(id).decode_utf8_lossy();
    let story = match trace.story(&id).await {
        Ok(story) => story,
        Err(error) => return store_failed(&error),
    };
    if story.steps.is_empty() {
        return failure(
            StatusCode::NOT_FOUND,
            &format!("nothing is known of {id}"),
            Some(
                "name the request id of an asynchronous invocation or the id of a message; what was long ago is \
                 not kept (lambent events shows what is)",
            ),
        );
    }
    let mut runs = read_runs(logs, &story.steps).await;
    let mut steps = Vec::new();
    for (index, step) in story.steps.iter().enumerate() {
        let document = StepDocument::of(step);
        steps.push(match (&step.what, runs.remove(&index)) {
            (What::Attempted(_), run) => {
                let Run { lines, left_out, .. } = run.unwrap_or_default();
                document.with("log_lines", json!(lines)).with("log_lines_left_out", json!(left_out))
            }
            _ => document,
        });
    }
    let document = json!({
        "id": id,
        "subjects": story.subjects,
        "steps": steps,
        "truncated": story.truncated,
        "left_out": trace.left_out(),
    });
    json(StatusCode::OK, &document)
}

/// What the attempts among these steps logged, by the steps' places.
async fn read_runs(logs: &CloudWatchLogs, steps: &[Step]) -> HashMap<usize, Run> {
    let mut streams: HashMap<Stream<'_>, Vec<(usize, &Step, &Attempted)>> = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        if let What::Attempted(attempted) = &step.what {
            streams.entry(Stream::of(step, attempted)).or_default().push((index, step, attempted));
        }
    }
    if !streams.is_empty() {
        logs.flush().await;
    }
    let mut by_step = HashMap::new();
    for (stream, attempts) in streams {
        let spans: Vec<_> =
            attempts.iter().map(|(_, step, attempted)| (step.at, attempted.duration)).collect();
        let mut runs = stream.read(logs, &spans).await;
        // An environment runs one thing at a time, so the runs stand in the order of the attempts.
        for (index, step, _) in attempts {
            if let Some(found) = runs.iter().position(|run| run.request_id == step.subject) {
                by_step.insert(index, runs.remove(found));
            }
        }
    }
    by_step
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use clock::{Timestamp, VirtualClock};
    use ids::IdSource;
    use serde_json::Value;
    use targets::{LogLine, LogStream, RecordTrace, WriteLogs};
    use tasks::Tasks;

    use super::*;
    use crate::testing::{START, account, attempted, read, region, step, store, trace};

    fn write(logs: &CloudWatchLogs, at: Timestamp, lines: &[&str]) {
        let stream = LogStream {
            account: account(),
            region: region(),
            group: "/aws/lambda/f".to_owned(),
            stream: "2024/01/31/[$LATEST]0123".to_owned(),
        };
        let line = |message: &&str| LogLine { timestamp: at, message: (*message).to_owned() };
        logs.write(&Arc::new(stream), lines.iter().map(line).collect());
    }

    #[tokio::test]
    async fn each_attempt_has_its_own_lines_of_the_log() {
        let (store, tasks) = (store(), Tasks::new());
        let trace = trace(&store, &tasks);
        let clock = Arc::new(VirtualClock::new(START));
        let logs = CloudWatchLogs::new(store, clock, IdSource::seeded(1));
        logs.start(&tasks);
        let second = START + Duration::from_secs(60);
        for (number, at) in [(1, START), (2, second)] {
            trace.record(step(at, "event", attempted(number)));
            let print = format!("attempt {number}");
            write(
                &logs,
                at,
                &["START RequestId: event Version: $LATEST\n", &print, "REPORT RequestId: event\t"],
            );
            write(&logs, at, &["START RequestId: other Version: $LATEST\n", "REPORT RequestId: other\t"]);
        }
        let sent =
            What::Sent { to: "q".to_owned(), role: "dead-letter queue".to_owned(), id: "m".to_owned() };
        trace.record(step(second, "event", sent));

        let (status, document) = read(show(&trace, &logs, "event").await);
        assert_eq!((status, &document["id"], &document["truncated"]), (200, &json!("event"), &json!(false)));
        for (index, print) in ["attempt 1", "attempt 2"].into_iter().enumerate() {
            let lines: Vec<&Value> =
                document["steps"][index]["log_lines"].as_array().unwrap().iter().collect();
            assert_eq!((lines.len(), &lines[1]["message"]), (3, &json!(print)));
        }
        assert_eq!(document["steps"][2]["role"], "dead-letter queue");
        assert_eq!(document["steps"][2]["log_lines"], Value::Null);
    }

    #[tokio::test]
    async fn a_stream_that_is_gone_costs_the_lines_only() {
        let (store, tasks) = (store(), Tasks::new());
        let trace = trace(&store, &tasks);
        let logs = CloudWatchLogs::new(store, Arc::new(VirtualClock::new(START)), IdSource::seeded(1));
        logs.start(&tasks);
        trace.record(step(START, "event/1", attempted(1)));
        let (status, document) = read(show(&trace, &logs, "event%2F1").await);
        assert_eq!((status, &document["steps"][0]["log_lines"]), (200, &json!([])));
        let (status, document) = read(show(&trace, &logs, "nobody").await);
        assert_eq!((status, &document["message"]), (404, &json!("nothing is known of nobody")));
    }
}
