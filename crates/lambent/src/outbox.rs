//! `lambent outbox`: e-mails and text messages, which do not leave the server's host.

use std::process::ExitCode;

use serde_json::Value;

use crate::arguments::OutboxOptions;
use crate::failure::Failure;
use crate::moment::place;
use crate::terminal::{line, lines_of, list, paint, text};

pub(crate) fn run(options: &OutboxOptions) -> Result<ExitCode, Failure> {
    let outbox = options.endpoint.get(&format!("/_lambent/outbox?limit={}", options.limit))?;
    if options.json {
        line(&serde_json::to_string_pretty(&outbox)?);
        return Ok(ExitCode::SUCCESS);
    }
    let messages = list(&outbox["messages"]);
    if messages.is_empty() {
        line("the outbox is empty");
    }
    // The newest comes last, where the eye is.
    messages.iter().rev().for_each(print);
    Ok(ExitCode::SUCCESS)
}

fn print(message: &Value) {
    let (protocol, to) = (text(&message["protocol"]), text(&message["to"]));
    line(&paint("1", &format!("{}  {protocol} to {to}  {}", text(&message["at"]), text(&message["id"]))));
    for (name, value) in [("from", &message["from"]), ("subject", &message["subject"])] {
        if let Some(value) = value.as_str() {
            line(&format!("{name}: {value}"));
        }
    }
    if let Some(topic) = message["topic"].as_str() {
        line(&format!("topic: {}", place(topic)));
    }
    for part in lines_of(&text(&message["body"])) {
        line(&format!("  {part}"));
    }
    if let Some(url) = message["subscribe_url"].as_str() {
        line(&format!("to confirm: {url}"));
    }
}
