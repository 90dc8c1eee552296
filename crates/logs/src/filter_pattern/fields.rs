//! `[ip, user, ..., status = 4*, bytes > 1000]`: conditions on the words of a message.

use super::PatternError;
use super::comparison::Comparison;
use super::expression::{self, Expression};
use super::scanner::Scanner;

/// The fields before and after the ellipsis; without one, all are before it.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    head: Vec<Field>,
    tail: Option<Vec<Field>>,
}

/// A field without a condition is any word.
type Field = Option<Expression<Comparison>>;

impl Fields {
    pub(super) fn matches(&self, message: &str) -> bool {
        let words = split(message);
        let Some(tail) = &self.tail else { return self.matches_all(message, &words) };
        words.len() >= self.head.len() + tail.len()
            && all_hold(&self.head, &words)
            && all_hold(tail, &words[words.len() - tail.len()..])
    }

    /// Without an ellipsis the last field takes all that is left: `[w1=ERROR, w2]` matches every line that begins
    /// with that word (user guide, "Match terms in order").
    fn matches_all(&self, message: &str, words: &[Word<'_>]) -> bool {
        let (Some((last, before)), Some(last_word)) =
            (self.head.split_last(), words.get(self.head.len().wrapping_sub(1)))
        else {
            return false;
        };
        let rest = if words.len() == self.head.len() {
            last_word.text
        } else {
            message[last_word.start..].trim_end()
        };
        all_hold(before, words) && holds(last, rest)
    }
}

fn all_hold(fields: &[Field], words: &[Word<'_>]) -> bool {
    fields.iter().zip(words).all(|(field, word)| holds(field, word.text))
}

fn holds(field: &Field, text: &str) -> bool {
    field.as_ref().is_none_or(|expression| expression.holds(&|test| test.holds_for_text(text)))
}

#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    /// Where it begins in the message, a bracket or quotation mark included.
    start: usize,
    text: &'a str,
}

/// "The characters between a pair of square brackets or two double quotes are treated as a single field" (user
/// guide). One that is never closed is a character like any other.
fn split(message: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(offset) = message[at..].find(|c: char| !c.is_whitespace()) {
        let start = at + offset;
        let rest = &message[start..];
        let close = match rest.as_bytes()[0] {
            b'[' => rest.find(']'),
            b'"' => rest[1..].find('"').map(|end| end + 1),
            _ => None,
        };
        let (text, length) = match close {
            Some(end) => (&rest[1..end], end + 1),
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (&rest[..end], end)
            }
        };
        words.push(Word { start, text });
        at = start + length;
    }
    words
}

/// Reads what follows the opening bracket.
pub(super) fn parse(scanner: &mut Scanner<'_>) -> Result<Fields, PatternError> {
    let mut fields = Fields { head: Vec::new(), tail: None };
    loop {
        scanner.skip_blanks();
        let before = scanner.clone();
        if scanner.eat("...") {
            if fields.tail.is_some() {
                return Err(before.unexpected());
            }
            fields.tail = Some(Vec::new());
        } else {
            let field = parse_field(scanner)?;
            fields.tail.as_mut().unwrap_or(&mut fields.head).push(field);
        }
        scanner.skip_blanks();
        if scanner.eat("]") {
            return Ok(fields);
        }
        scanner.expect(",")?;
    }
}

/// A name, a name with conditions, or nothing.
fn parse_field(scanner: &mut Scanner<'_>) -> Result<Field, PatternError> {
    let mut ahead = scanner.clone();
    take_name(&mut ahead);
    ahead.skip_blanks();
    if matches!(ahead.peek(), Some(',' | ']')) {
        *scanner = ahead;
        return Ok(None);
    }
    let mut name = None;
    let expression = expression::parse(scanner, &mut |scanner| {
        scanner.skip_blanks();
        let before = scanner.clone();
        let found = take_name(scanner);
        // All conditions of a field are on that field.
        if found.is_empty() || name.replace(found).is_some_and(|other| other != found) {
            return Err(before.unexpected());
        }
        Comparison::parse(scanner)?.ok_or_else(|| scanner.unexpected())
    })?;
    Ok(Some(expression))
}

fn take_name<'a>(scanner: &mut Scanner<'a>) -> &'a str {
    scanner.take_while(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
