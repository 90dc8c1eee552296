//! `GET /_lambent/clock` and `POST /_lambent/clock/advance`.

use std::time::Duration;

use clock::VirtualClock;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use wire::Response;

use crate::AdminParts;
use crate::answer::{failure, json};

/// Farther than this in one step is a slip of the pen.
const ADVANCE_SECONDS_MAX: u64 = 100 * 366 * 86_400;

/// How far to advance: one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: Option<u64>,
    to: Option<String>,
}

pub(crate) fn show(parts: &AdminParts) -> Response {
    let kind = if parts.virtual_clock.is_some() { "virtual" } else { "real" };
    let next_due = parts.virtual_clock.as_ref().and_then(|clock| clock.next_due());
    let document = json!({
        "kind": kind,
        "now": parts.clock.now().iso8601_millis(),
        "next_due": next_due.map(clock::Timestamp::iso8601_millis),
    });
    json(StatusCode::OK, &document)
}

pub(crate) async fn advance(parts: &AdminParts, body: &[u8]) -> Response {
    let Some(clock) = &parts.virtual_clock else {
        return failure(
            StatusCode::CONFLICT,
            "this server runs on real time, which cannot be advanced",
            Some("start it with --clock virtual"),
        );
    };
    match target(clock, body) {
        Ok(target) => {
            let fired = clock.advance_to(target).await;
            let next_due = clock.next_due().map(clock::Timestamp::iso8601_millis);
            let now = parts.clock.now().iso8601_millis();
            let document = json!({ "kind": "virtual", "now": now, "fired": fired, "next_due": next_due });
            json(StatusCode::OK, &document)
        }
        Err(message) => failure(StatusCode::BAD_REQUEST, &message, None),
    }
}

fn target(clock: &VirtualClock, body: &[u8]) -> Result<clock::Timestamp, String> {
    use clock::Clock;

    let advance: Advance = serde_json::from_slice(body)
        .map_err(|error| format!("{{\"seconds\": 120}} or {{\"to\": \"next\"}} is expected: {error}"))?;
    match (advance.seconds, advance.to.as_deref()) {
        (Some(seconds), None) if seconds <= ADVANCE_SECONDS_MAX => {
            Ok(clock.now() + Duration::from_secs(seconds))
        }
        (Some(_), None) => Err("that is more than a hundred years".to_owned()),
        (None, Some("next")) => clock.next_due().ok_or_else(|| "nothing is due".to_owned()),
        (None, Some(time)) => clock::Timestamp::parse_iso8601(time).map_err(|error| error.to_string()),
        _ => Err("either seconds or to is expected".to_owned()),
    }
}
