//! CloudWatch Logs' filter patterns: which log events are asked for.
//!
//! Owns the grammar and the matching of "Filter pattern syntax" (Amazon CloudWatch Logs user guide): terms
//! (`terms.rs`), JSON selectors (`json.rs`) and space-delimited fields (`fields.rs`). It knows nothing of log groups.

mod comparison;
mod expression;
mod fields;
mod json;
mod scanner;
mod terms;

use fields::Fields;
use json::JsonTest;
use scanner::Scanner;
use terms::Terms;

use expression::Expression;

/// What a log event's message must be like.
#[derive(Debug, Clone)]
pub struct FilterPattern(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Everything,
    Terms(Terms),
    Json(Expression<JsonTest>),
    Fields(Fields),
}

/// A pattern that is not one. The text is what AWS says where that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

/// "There is a limit of 2 regex for each filter pattern" (user guide, "Supported regular expressions").
const REGEXES_MAX: usize = 2;

impl FilterPattern {
    /// Reads a pattern; nothing (or only blanks) matches every event.
    ///
    /// # Errors
    /// [`PatternError`] when the text breaks the grammar.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let kind = if scanner.is_at_end() {
            Kind::Everything
        } else if scanner.eat("{") {
            Kind::Json(json::parse(&mut scanner)?)
        } else if scanner.eat("[") {
            Kind::Fields(fields::parse(&mut scanner)?)
        } else {
            Kind::Terms(terms::parse(&mut scanner)?)
        };
        scanner.skip_blanks();
        if !scanner.is_at_end() {
            return Err(scanner.unexpected());
        }
        if scanner.regexes() > REGEXES_MAX {
            return Err(PatternError(format!(
                "Filter pattern contains {} regular expressions, at most {REGEXES_MAX} are allowed",
                scanner.regexes()
            )));
        }
        Ok(Self(kind))
    }

    /// Whether a log event with this message is asked for.
    #[must_use]
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::Everything => true,
            Kind::Terms(terms) => terms.matches(message),
            Kind::Json(expression) => json::matches(expression, message),
            Kind::Fields(fields) => fields.matches(message),
        }
    }
}

#[cfg(test)]
mod tests;
