//! Java's patterns in the syntax of the `regex` crate.

use anyhow::{Result, anyhow, bail};
use regex::Regex;

/// Translates a pattern and makes sure that it compiles. Java's `\w`, `\d` and `\s` are ASCII; the `regex`
/// crate's are Unicode, which would accept more and compile a thousand times slower.
pub(crate) fn translate(pattern: &str) -> Result<String> {
    let mut out = String::new();
    let mut letters = pattern.chars().peekable();
    let mut in_class = false;
    let mut class_start = false;
    while let Some(letter) = letters.next() {
        let starts_class = std::mem::take(&mut class_start);
        match letter {
            '\\' => {
                let Some(escaped) = letters.next() else { bail!("ends in a backslash: {pattern}") };
                out.push_str(&escape(escaped, in_class, &mut letters)?);
                // `[\w-x]` is a literal hyphen in Java and an invalid range here.
                if in_class && matches!(escaped, 'w' | 'd' | 's' | 'p') && letters.peek() == Some(&'-') {
                    letters.next();
                    out.push_str("\\-");
                }
            }
            '[' if in_class => out.push_str("\\["),
            '[' => {
                in_class = true;
                class_start = true;
                out.push('[');
                if letters.peek() == Some(&'^') {
                    letters.next();
                    out.push('^');
                }
            }
            ']' if in_class && !starts_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(letter);
            }
            '-' if in_class && (starts_class || matches!(letters.peek(), Some(']'))) => out.push_str("\\-"),
            _ => out.push(letter),
        }
    }
    Regex::new(&format!("^(?:{out})$")).map_err(|error| anyhow!("{pattern}: {error}"))?;
    Ok(out)
}

fn escape(
    escaped: char,
    in_class: bool,
    letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
) -> Result<String> {
    let set = |members: &str| if in_class { members.to_owned() } else { format!("[{members}]") };
    Ok(match escaped {
        'w' => set("a-zA-Z0-9_"),
        'd' => set("0-9"),
        's' => set(" \\t\\n\\x0B\\f\\r"),
        'W' => "[^a-zA-Z0-9_]".to_owned(),
        'D' => "[^0-9]".to_owned(),
        'S' => "[^ \\t\\n\\x0B\\f\\r]".to_owned(),
        'p' | 'P' => {
            let name: String = letters.by_ref().skip(1).take_while(|c| *c != '}').collect();
            match name.as_str() {
                "Print" => set("\\x20-\\x7E"),
                "Graph" => set("\\x21-\\x7E"),
                "Alnum" => set("a-zA-Z0-9"),
                "Alpha" => set("a-zA-Z"),
                "Digit" => set("0-9"),
                "Punct" => set("!-/:-@\\[-`{-~"),
                "ASCII" => set("\\x00-\\x7F"),
                _ => format!("\\{escaped}{{{name}}}"),
            }
        }
        '0' => {
            let digits: String = letters.by_ref().take(2).collect();
            let code = u32::from_str_radix(&digits, 8)?;
            format!("\\x{{{code:x}}}")
        }
        'u' => {
            let digits: String = letters.by_ref().take(4).collect();
            if digits.eq_ignore_ascii_case("d800") {
                // A range of surrogate pairs means all characters beyond the basic plane.
                let rest: String = letters.by_ref().take(18).collect();
                if rest.eq_ignore_ascii_case("\\uDC00-\\uDBFF\\uDFFF") {
                    return Ok("\\x{10000}-\\x{10FFFF}".to_owned());
                }
                bail!("a surrogate in a pattern");
            }
            format!("\\x{{{digits}}}")
        }
        // Quotes, slashes and the like need no escape here, and some may not have one.
        other if other.is_alphanumeric() => format!("\\{other}"),
        other => regex::escape(&other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_classes_become_ascii_ones() {
        let translated = translate(r"[\w-x]+\d").expect("compiles");
        let regex = Regex::new(&format!("^(?:{translated})$")).expect("compiles");
        assert!(regex.is_match("a-x7"));
        assert!(!regex.is_match("ä7"));
    }

    #[test]
    fn what_cannot_be_translated_is_refused() {
        assert!(translate(r"(?!aws:).*").is_err());
    }
}
