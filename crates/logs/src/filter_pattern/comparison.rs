//! `= "x*"`, `>= 500`, `!= %regex%`: a comparison with one value.

use regex::bytes::Regex;

use super::PatternError;
use super::scanner::Scanner;

#[derive(Debug, Clone)]
pub(super) struct Comparison {
    operator: Operator,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone)]
enum Value {
    Number(f64, String),
    Text(Wildcard),
    Regex(Regex),
}

/// Text with an asterisk at its start, its end or both. Within it an asterisk is just one: "`Ev*ent` will only
/// match the actual string `Ev*ent`" (user guide).
#[derive(Debug, Clone)]
struct Wildcard {
    any_before: bool,
    text: String,
    any_after: bool,
}

impl Comparison {
    /// Reads an operator and a value. `None` when no operator comes next.
    pub(super) fn parse(scanner: &mut Scanner<'_>) -> Result<Option<Self>, PatternError> {
        scanner.skip_blanks();
        let operators = [
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let Some((_, operator)) = operators.into_iter().find(|(text, _)| scanner.eat(text)) else {
            return Ok(None);
        };
        scanner.skip_blanks();
        let before = scanner.clone();
        let value = match scanner.peek() {
            Some('"') => Value::Text(Wildcard::new(&scanner.quoted()?)),
            Some('%') => Value::Regex(scanner.regex()?),
            _ => Value::bare(scanner)?,
        };
        let is_ordered = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if is_ordered && !matches!(value, Value::Number(..)) {
            return Err(before.unexpected());
        }
        Ok(Some(Self { operator, value }))
    }

    /// Whether it holds for a text. One that reads as a number is compared as one where the pattern has a number.
    pub(super) fn holds_for_text(&self, text: &str) -> bool {
        let equal = match &self.value {
            Value::Text(wildcard) => wildcard.matches(text),
            Value::Regex(regex) => regex.is_match(text.as_bytes()),
            Value::Number(_, written) => match parse_number(text) {
                Some(number) => return self.holds_for_number(number, text),
                None => text == written,
            },
        };
        self.holds_when_equal(equal)
    }

    /// Whether it holds for a number, which is written as `text`.
    pub(super) fn holds_for_number(&self, number: f64, text: &str) -> bool {
        let Value::Number(wanted, _) = &self.value else { return self.holds_for_text(text) };
        match self.operator {
            Operator::Equal => number == *wanted,
            Operator::NotEqual => number != *wanted,
            Operator::Less => number < *wanted,
            Operator::LessOrEqual => number <= *wanted,
            Operator::Greater => number > *wanted,
            Operator::GreaterOrEqual => number >= *wanted,
        }
    }

    fn holds_when_equal(&self, equal: bool) -> bool {
        match self.operator {
            Operator::Equal => equal,
            Operator::NotEqual => !equal,
            _ => false,
        }
    }
}

impl Value {
    /// "Strings that consist entirely of alphanumeric characters do not need to be quoted" (user guide); its own
    /// examples also have addresses, file names and signed numbers.
    fn bare(scanner: &mut Scanner<'_>) -> Result<Self, PatternError> {
        let text = scanner.take_while(|c| c.is_ascii_alphanumeric() || "_.*+-/".contains(c));
        if text.is_empty() {
            return Err(scanner.unexpected());
        }
        Ok(match parse_number(text) {
            Some(number) => Self::Number(number, text.to_owned()),
            None => Self::Text(Wildcard::new(text)),
        })
    }
}

impl Wildcard {
    fn new(text: &str) -> Self {
        let (any_before, text) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
        let (any_after, text) = text.strip_suffix('*').map_or((false, text), |rest| (true, rest));
        // A single asterisk stands for anything.
        let any_after = any_after || (any_before && text.is_empty());
        Self { any_before, text: text.to_owned(), any_after }
    }

    fn matches(&self, text: &str) -> bool {
        match (self.any_before, self.any_after) {
            (false, false) => text == self.text,
            (false, true) => text.starts_with(&self.text),
            (true, false) => text.ends_with(&self.text),
            (true, true) => text.contains(&self.text),
        }
    }
}

/// An integer or a decimal with an optional sign and exponent; no infinities and no `NaN`.
fn parse_number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    if plain { text.parse().ok() } else { None }
}
