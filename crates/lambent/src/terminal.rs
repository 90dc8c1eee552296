//! Talking to the user: data to standard output, everything else to standard error.
#![expect(clippy::print_stderr, reason = "this is where the command line talks")]

use std::io::{IsTerminal, Write};

use serde_json::Value;

use crate::failure::Failure;

/// Prints a line of data.
pub(crate) fn line(text: &str) {
    // A closed pipe (`lambent env | head -1`) is no failure.
    let _closed = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line for the person at the terminal.
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// Prints a failure.
pub(crate) fn error(failure: &Failure) {
    eprintln!("{} {}", paint("1;31", "error:"), failure.cause);
    if let Some(remedy) = &failure.remedy {
        eprintln!("{} {remedy}", paint("1;36", "hint:"));
    }
}

/// Text in a colour, where colours can be shown and are wanted (`NO_COLOR`).
pub(crate) fn paint(colour: &str, text: &str) -> String {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted && std::io::stdout().is_terminal() && std::io::stderr().is_terminal() {
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// A text of a document, or whatever stands in its place. What functions and senders wrote may not steer the terminal.
pub(crate) fn text(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.replace(|letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t'), "\u{fffd}")
}

/// The lines of a text. Lambda's runtimes separate those of one log event by carriage returns.
pub(crate) fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    text.trim_end().split(['\n', '\r']).filter(|line| !line.is_empty())
}

/// A list of a document; an empty one where there is none.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_text_and_no_more() {
        assert_eq!(text(&Value::from("a\u{1b}[31mb\tc")), "a\u{fffd}[31mb\tc");
        assert_eq!(text(&Value::from(7)), "7");
        let lines: Vec<&str> = lines_of("Error\rTraceback\r\n  line\n").collect();
        assert_eq!(lines, ["Error", "Traceback", "  line"]);
    }
}
