//! `lambent replay`: failed events, once more.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::arguments::ReplayOptions;
use crate::failure::Failure;
use crate::moment::place;
use crate::story::in_path;
use crate::terminal::{line, list, say, text};

pub(crate) fn run(options: &ReplayOptions) -> Result<ExitCode, Failure> {
    let ids = match &options.function {
        Some(function) => failed_of(options, function)?,
        None => options.ids.clone(),
    };
    let mut replayed = Vec::new();
    let mut failure = None;
    for id in ids {
        match options.endpoint.post("/_lambent/replay", &json!({ "id": id })) {
            Ok(answer) => {
                if !options.json {
                    print(&answer);
                }
                replayed.push(answer);
            }
            // What was run again already is told all the same.
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    if options.json {
        line(&serde_json::to_string_pretty(&json!({ "replayed": replayed }))?);
    } else if replayed.is_empty() && failure.is_none() {
        say("nothing to run again");
    }
    failure.map_or(Ok(ExitCode::SUCCESS), Err)
}

/// The oldest first: in the order in which they failed.
fn failed_of(options: &ReplayOptions, function: &str) -> Result<Vec<String>, Failure> {
    let path = format!("/_lambent/events?failed=true&limit=10000&function={}", in_path(function));
    let answer = options.endpoint.get(&path)?;
    let open = list(&answer["events"]).iter().rev().filter(|event| event["replayed_as"].is_null());
    Ok(open.map(|event| text(&event["id"])).collect())
}

fn print(answer: &Value) {
    let (id, again) = (text(&answer["id"]), text(&answer["request_id"]));
    line(&format!("{id} runs again on {} as {again}", place(&text(&answer["function"]))));
}
