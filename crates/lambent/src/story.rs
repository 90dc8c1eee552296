//! `lambent trace`: the story of an event or a message.

use std::process::ExitCode;

use serde_json::Value;

use crate::arguments::TraceOptions;
use crate::failure::Failure;
use crate::moment::{after, place, time};
use crate::terminal::{line, lines_of, list, paint, text};

/// How much of an id tells the events and messages of a story apart.
const SHORT_ID: usize = 8;

pub(crate) fn run(options: &TraceOptions) -> Result<ExitCode, Failure> {
    let story = options.endpoint.get(&format!("/_lambent/trace/{}", in_path(&options.id)))?;
    if options.json {
        line(&serde_json::to_string_pretty(&story)?);
    } else {
        print(&story, !options.no_logs)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(story: &Value, with_logs: bool) -> Result<(), Failure> {
    let steps = list(&story["steps"]);
    let Some(first) = steps.first() else { return Ok(()) };
    let start = time(&text(&first["at"]))?;
    line(&paint("1", &format!("{}, from {}", text(&story["id"]), text(&first["at"]))));
    for subject in list(&story["subjects"]).iter().skip(1) {
        line(&format!("with {}", text(subject)));
    }
    let width = steps.iter().map(|step| place(&text(&step["resource"])).len()).max().unwrap_or(0);
    for step in steps {
        let distance = after(start, time(&text(&step["at"]))?);
        let (subject, resource) = (short(&text(&step["subject"])), place(&text(&step["resource"])));
        let told = paint(colour(step), &text(&step["text"]));
        line(&format!("{distance:>14}  {subject}  {resource:<width$}  {told}"));
        if step["what"] == "attempted" {
            print_attempt(step, with_logs);
        }
    }
    if story["truncated"] == true {
        line(&paint("2", "the story is longer than what is shown"));
    }
    if story["left_out"].as_u64().unwrap_or(0) > 0 {
        let note = format!("under load, {} steps of all stories were not recorded", story["left_out"]);
        line(&paint("2", &note));
    }
    Ok(())
}

fn print_attempt(step: &Value, with_logs: bool) {
    let note = |text: &str| line(&paint("2", &format!("{:>14}  {text}", "")));
    let (group, stream) = (text(&step["log_group"]), text(&step["log_stream"]));
    note(&format!("environment {}, log {group} {stream}", text(&step["environment"])));
    if !with_logs {
        return;
    }
    for logged in list(&step["log_lines"]) {
        for part in lines_of(&text(&logged["message"])) {
            note(&format!("| {part}"));
        }
    }
    if step["log_lines_left_out"].as_u64().unwrap_or(0) > 0 {
        note(&format!("| and {} lines more", step["log_lines_left_out"]));
    }
}

/// Red for what went wrong, green for a good end.
fn colour(step: &Value) -> &'static str {
    match step["what"].as_str() {
        Some("attempted") if !step["error"].is_null() => "31",
        Some("not_sent") => "31",
        Some("ended") if step["condition"] == "Success" => "32",
        Some("ended") => "1;31",
        _ => "",
    }
}

fn short(id: &str) -> String {
    id.chars().take(SHORT_ID).collect()
}

/// A text as a part of a path or a parameter.
pub(crate) fn in_path(id: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    id.bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_leaves_its_place_in_the_path() {
        assert_eq!(in_path("8f0b-1_2"), "8f0b-1_2");
        assert_eq!(in_path("../a?b é"), "..%2Fa%3Fb%20%C3%A9");
    }
}
