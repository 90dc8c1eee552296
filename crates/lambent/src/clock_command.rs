//! `lambent clock`.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::arguments::{ClockCommand, ClockOptions};
use crate::failure::Failure;
use crate::terminal::line;

pub(crate) fn run(options: &ClockOptions) -> Result<ExitCode, Failure> {
    let (answer, as_json) = match &options.command {
        ClockCommand::Show(show) => (show.endpoint.get("/_lambent/clock")?, show.json),
        ClockCommand::Advance(advance) => {
            let body = match advance.by.as_str() {
                "next" => json!({ "to": "next" }),
                by => json!({ "seconds": seconds(by)? }),
            };
            (advance.endpoint.post("/_lambent/clock/advance", &body)?, advance.json)
        }
    };
    if as_json {
        line(&answer.to_string());
    } else {
        print(&answer);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(clock: &Value) {
    let text = |name: &str| clock[name].as_str().unwrap_or("-").to_owned();
    line(&format!("{} ({})", text("now"), text("kind")));
    if let Some(fired) = clock["fired"].as_u64() {
        line(&format!("{fired} waits fired"));
    }
    if clock["next_due"].is_string() {
        line(&format!("next due: {}", text("next_due")));
    }
}

/// `90s`, `2m`, `1h`, `7d`; a bare number is seconds.
fn seconds(text: &str) -> Result<u64, Failure> {
    let invalid = || Failure::new(format!("{text:?} is no duration"), "write 90s, 2m, 1h, 7d or next");
    let (number, unit) = match text.find(|letter: char| !letter.is_ascii_digit()) {
        Some(split) => text.split_at(split),
        None => (text, "s"),
    };
    let number: u64 = number.parse().map_err(|_| invalid())?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(invalid()),
    };
    number.checked_mul(unit).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units() {
        assert_eq!(seconds("2m").ok(), Some(120));
        assert_eq!(seconds("90").ok(), Some(90));
        assert_eq!(seconds("7d").ok(), Some(604_800));
        assert!(seconds("m").is_err());
        assert!(seconds("1y").is_err());
        assert!(seconds("99999999999999999999d").is_err());
    }
}
