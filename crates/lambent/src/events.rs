//! `lambent events`: what happened last, and what failed.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use crate::arguments::{EndpointOption, EventsOptions};
use crate::clock_command::print_step;
use crate::failure::Failure;
use crate::moment::{place, seconds, time};
use crate::story::in_path;
use crate::terminal::{line, lines_of, list, paint, text};

/// How much of an error's message is shown; `--json` has more.
const MESSAGE_CHARS_MAX: usize = 120;

pub(crate) fn run(options: &EventsOptions) -> Result<ExitCode, Failure> {
    let mut query = format!("limit={}", options.limit);
    if options.failed {
        query.push_str("&failed=true");
    }
    if let Some(function) = &options.function {
        query.push_str(&format!("&function={}", in_path(function)));
    }
    if let Some(since) = &options.since {
        query.push_str(&format!("&since={}", in_path(&since_when(&options.endpoint, since)?)));
    }
    let answer = options.endpoint.get(&format!("/_lambent/events?{query}"))?;
    if options.json {
        line(&serde_json::to_string_pretty(&answer)?);
    } else if options.failed {
        print_failed(&answer);
    } else {
        list(&answer["steps"]).iter().for_each(print_step);
    }
    Ok(ExitCode::SUCCESS)
}

/// A time, or one that lies so far back on the server's clock.
fn since_when(endpoint: &EndpointOption, since: &str) -> Result<String, Failure> {
    if let Ok(time) = time(since) {
        return Ok(time.iso8601_millis());
    }
    let back = seconds(since).map_err(|_| {
        Failure::new(format!("{since:?} is no time and no duration"), "write 10m, 2h or 2026-12-01T08:30:00Z")
    })?;
    let now = time(&text(&endpoint.get("/_lambent/clock?limit=1")?["now"]))?;
    Ok((now - Duration::from_secs(back)).iso8601_millis())
}

fn print_failed(answer: &Value) {
    let events = list(&answer["events"]);
    if events.is_empty() {
        line("no failed events");
        return;
    }
    let head = format!("{:<25} {:<36}  {:<24} {:<18} error", "given up at", "id", "function", "because");
    line(&paint("2", &head));
    for event in events {
        let error = match &event["error"] {
            Value::Null => String::new(),
            error => {
                format!("{}: {}", text(&error["type"]), short(&text(&error["message"])))
            }
        };
        line(&format!(
            "{:<25} {:<36}  {:<24} {:<18} {error}",
            text(&event["at"]),
            text(&event["id"]),
            place(&text(&event["function"])),
            text(&event["condition"]),
        ));
        if let Some(again) = event["replayed_as"].as_str() {
            line(&paint("2", &format!("{:<25} run again as {again}", "")));
        }
    }
    if answer["more"] == true {
        line(&paint("2", "there are more: --limit shows them"));
    }
}

/// The first line of a message, cut so that the table stays one.
fn short(message: &str) -> String {
    let line = lines_of(message).next().unwrap_or_default();
    match line.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_to_one_short_line() {
        assert_eq!(short("bad\nworse"), "bad");
        let long = "ä".repeat(MESSAGE_CHARS_MAX);
        assert_eq!(short(&long), long);
        assert_eq!(short(&format!("{long}b")), format!("{long}…"));
    }
}
