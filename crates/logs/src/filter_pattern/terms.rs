//! `ERROR "out of memory" -DEBUG`, `?ERROR ?WARN`, `%regex%`: what an unstructured message contains.

use regex::bytes::Regex;

use super::PatternError;
use super::scanner::Scanner;

#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    all: Vec<Term>,
    none: Vec<Term>,
    any: Vec<Term>,
}

#[derive(Debug, Clone)]
enum Term {
    Text(String),
    Regex(Regex),
}

impl Terms {
    pub(super) fn matches(&self, message: &str) -> bool {
        // "You can't combine the question mark with other filter patterns, such as include and exclude terms": then
        // the optional terms are ignored (user guide).
        let any = if self.all.is_empty() && self.none.is_empty() { &self.any } else { &Vec::new() };
        self.all.iter().all(|term| term.is_in(message))
            && !self.none.iter().any(|term| term.is_in(message))
            && (any.is_empty() || any.iter().any(|term| term.is_in(message)))
    }
}

impl Term {
    /// A term is found within words, too: `ERROR` matches `Exiting with ERRORCODE: -1` (user guide).
    fn is_in(&self, message: &str) -> bool {
        match self {
            Self::Text(text) => message.contains(text.as_str()),
            Self::Regex(regex) => regex.is_match(message.as_bytes()),
        }
    }
}

/// Reads terms up to the end.
pub(super) fn parse(scanner: &mut Scanner<'_>) -> Result<Terms, PatternError> {
    let mut terms = Terms::default();
    while !scanner.is_at_end() {
        let list = if scanner.eat("?") {
            &mut terms.any
        } else if scanner.eat("-") {
            &mut terms.none
        } else {
            &mut terms.all
        };
        scanner.skip_blanks();
        let term = match scanner.peek() {
            Some('"') => Term::Text(scanner.quoted()?),
            Some('%') => Term::Regex(scanner.regex()?),
            _ => {
                // "Terms that include characters other than alphanumeric or underscore must be placed inside double
                // quotes" (user guide).
                let word = scanner.take_while(|c| c.is_alphanumeric() || c == '_');
                if word.is_empty() || scanner.peek().is_some_and(|c| !c.is_whitespace()) {
                    return Err(scanner.unexpected());
                }
                Term::Text(word.to_owned())
            }
        };
        list.push(term);
        scanner.skip_blanks();
    }
    Ok(terms)
}
