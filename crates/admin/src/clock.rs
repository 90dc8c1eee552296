//! `GET /_lambent/clock` and `POST /_lambent/clock/advance`.

use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, SystemClock, Timestamp, VirtualClock};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use targets::{Agenda, Due};
use trace::Trace;
use wire::Response;

use crate::answer::{failure, invalid, json};
use crate::query::Query;
use crate::step::StepDocument;

/// Farther than this in one step is a slip of the pen.
const ADVANCE_SECONDS_MAX: u64 = 100 * 366 * 86_400;
/// How many things that are due are shown, unless more are asked for.
const DUE_DEFAULT: usize = 100;
const DUE_MAX: usize = 1_000;

/// How far to advance: one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: Option<u64>,
    to: Option<String>,
}

pub(crate) async fn show(
    clock: &dyn Clock,
    is_virtual: bool,
    agendas: &[Arc<dyn Agenda>],
    query: &str,
) -> Response {
    let limit = Query::parse(query, &["limit"]).and_then(|query| query.limit(DUE_DEFAULT, DUE_MAX));
    let limit = match limit {
        Ok(limit) => limit,
        Err(message) => return invalid(&message),
    };
    let mut due = due(agendas, limit + 1).await;
    let more = due.len() > limit;
    due.truncate(limit);
    let document = json!({
        "kind": if is_virtual { "virtual" } else { "real" },
        "now": clock.now().iso8601_millis(),
        "real": SystemClock.now().iso8601_millis(),
        "next_due": due.first().map(|due| due.at.iso8601_millis()),
        "due": due.iter().map(show_due).collect::<Vec<Value>>(),
        "more": more,
    });
    json(StatusCode::OK, &document)
}

pub(crate) async fn advance(
    virtual_clock: Option<&VirtualClock>,
    agendas: &[Arc<dyn Agenda>],
    trace: &Trace,
    body: &[u8],
) -> Response {
    let Some(clock) = virtual_clock else {
        return failure(
            StatusCode::CONFLICT,
            "this server runs on real time, which cannot be advanced",
            Some("start it with --clock virtual"),
        );
    };
    let watch = trace.watch();
    let target = match target(clock, agendas, body).await {
        Ok(target) => target,
        Err(message) => return invalid(&message),
    };
    clock.advance_to(target).await;
    let happened = watch.take();
    let document = json!({
        "kind": "virtual",
        "now": clock.now().iso8601_millis(),
        "happened": happened.steps.iter().map(StepDocument::of).collect::<Vec<StepDocument>>(),
        "left_out": happened.left_out,
        "next_due": next_due(agendas).await.map(Timestamp::iso8601_millis),
    });
    json(StatusCode::OK, &document)
}

async fn target(clock: &VirtualClock, agendas: &[Arc<dyn Agenda>], body: &[u8]) -> Result<Timestamp, String> {
    let advance: Advance = serde_json::from_slice(body)
        .map_err(|error| format!("{{\"seconds\": 120}} or {{\"to\": \"next\"}} is expected: {error}"))?;
    // What is already on its way is no part of the future.
    clock.quiet().await;
    let now = clock.now();
    let target = match (advance.seconds, advance.to.as_deref()) {
        (Some(seconds), None) => now + Duration::from_secs(seconds.min(ADVANCE_SECONDS_MAX + 1)),
        (None, Some("next")) => next_due(agendas).await.ok_or("nothing is due")?.max(now),
        (None, Some(time)) => {
            whole_millisecond(Timestamp::parse_iso8601(time).map_err(|error| error.to_string())?)
        }
        _ => return Err("either seconds or to is expected".to_owned()),
    };
    if target < now {
        return Err(format!("{target} is over: it is {now}, and time moves forward only"));
    }
    if target.saturating_since(now) > Duration::from_secs(ADVANCE_SECONDS_MAX) {
        return Err("that is more than a hundred years".to_owned());
    }
    Ok(target)
}

/// Times are shown in milliseconds: who asks for one that was shown gets to what is due in any part of it.
fn whole_millisecond(time: Timestamp) -> Timestamp {
    let micros = time.as_micros();
    if micros % 1_000 == 0 { Timestamp::from_micros(micros + 999) } else { time }
}

/// The first `limit` waits of all, by their time. Only what lasts: what the server does for itself from time to time
/// is nothing to wait for.
async fn due(agendas: &[Arc<dyn Agenda>], limit: usize) -> Vec<Due> {
    let mut all = Vec::new();
    for agenda in agendas {
        all.extend(agenda.due(limit).await);
    }
    all.sort_by_key(|due| due.at);
    all.truncate(limit);
    all
}

async fn next_due(agendas: &[Arc<dyn Agenda>]) -> Option<Timestamp> {
    due(agendas, 1).await.first().map(|due| due.at)
}

fn show_due(due: &Due) -> Value {
    json!({ "at": due.at.iso8601_millis(), "what": due.what, "resource": due.resource, "id": due.id })
}

#[cfg(test)]
mod tests;
