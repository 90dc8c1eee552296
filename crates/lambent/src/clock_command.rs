//! `lambent clock`.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::arguments::{ClockAdvance, ClockCommand, ClockOptions, ClockShow};
use crate::failure::Failure;
use crate::moment::{after, place, seconds, time};
use crate::terminal::{line, list, paint, text};

pub(crate) fn run(options: &ClockOptions) -> Result<ExitCode, Failure> {
    match &options.command {
        ClockCommand::Show(options) => show(options)?,
        ClockCommand::Advance(options) => advance(options)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn show(options: &ClockShow) -> Result<(), Failure> {
    let clock = options.endpoint.get(&format!("/_lambent/clock?limit={}", options.limit))?;
    if options.json {
        line(&serde_json::to_string_pretty(&clock)?);
        return Ok(());
    }
    print_now(&clock);
    let due = list(&clock["due"]);
    if due.is_empty() {
        line("nothing is due");
        return Ok(());
    }
    let now = time(&text(&clock["now"]))?;
    line(&paint("2", &format!("{:<25} {:>14}  {:<28} {:<28} id", "due at", "in", "what", "resource")));
    for due in due {
        let at = text(&due["at"]);
        let distance = after(now, time(&at)?);
        let (what, resource) = (text(&due["what"]), place(&text(&due["resource"])));
        line(&format!("{at:<25} {distance:>14}  {what:<28} {resource:<28} {}", text(&due["id"])));
    }
    if clock["more"] == true {
        line(&paint("2", "there is more: --limit shows it"));
    }
    Ok(())
}

fn advance(options: &ClockAdvance) -> Result<(), Failure> {
    let answer = options.endpoint.post("/_lambent/clock/advance", &target(options)?)?;
    if options.json {
        line(&serde_json::to_string_pretty(&answer)?);
        return Ok(());
    }
    for step in list(&answer["happened"]) {
        print_step(step);
    }
    if answer["left_out"].as_u64().unwrap_or(0) > 0 {
        line(&paint("2", &format!("and {} steps more", answer["left_out"])));
    }
    print_now(&answer);
    match answer["next_due"].as_str() {
        Some(next) => line(&format!("next due: {next}")),
        None => line("nothing is due"),
    }
    Ok(())
}

fn target(options: &ClockAdvance) -> Result<Value, Failure> {
    match (options.by.as_str(), &options.time) {
        ("until", Some(until)) => Ok(json!({ "to": time(until)?.iso8601_millis() })),
        ("until", None) => {
            Err(Failure::new("until when?", "lambent clock advance until 2026-12-01T08:30:00Z"))
        }
        (by, Some(extra)) => Err(Failure::new(
            format!("{extra:?} after {by:?} means nothing"),
            "write lambent clock advance 2m, next, or until TIME",
        )),
        ("next", None) => Ok(json!({ "to": "next" })),
        (by, None) => Ok(json!({ "seconds": seconds(by)? })),
    }
}

/// A step on a line of its own.
pub(crate) fn print_step(step: &Value) {
    line(&format!(
        "{}  {}  {}  {}",
        text(&step["at"]),
        text(&step["subject"]),
        place(&text(&step["resource"])),
        text(&step["text"])
    ));
}

fn print_now(clock: &Value) {
    line(&paint("1", &format!("{} ({})", text(&clock["now"]), text(&clock["kind"]))));
}
