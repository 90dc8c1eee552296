//! Reads a filter pattern from left to right.

use regex::bytes::{Regex, RegexBuilder};

use super::PatternError;

/// What a compiled regular expression may take up: patterns come from outside.
const REGEX_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    rest: &'a str,
    regexes: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, regexes: 0 }
    }

    /// How many regular expressions were read.
    pub(super) fn regexes(&self) -> usize {
        self.regexes
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Reads `text` if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads a word of capital letters if it comes next and ends there.
    pub(super) fn eat_keyword(&mut self, keyword: &str) -> bool {
        match self.rest.strip_prefix(keyword) {
            Some(rest) if !rest.starts_with(|c: char| c.is_alphanumeric()) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Reads `text`, which must come next.
    pub(super) fn expect(&mut self, text: &str) -> Result<(), PatternError> {
        if self.eat(text) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Reads characters as long as `belongs` holds; there may be none.
    pub(super) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Reads what stands between quotation marks; the first one comes next. A backslash takes the meaning from the
    /// character after it.
    pub(super) fn quoted(&mut self) -> Result<String, PatternError> {
        let start = self.clone();
        self.expect("\"")?;
        let mut text = String::new();
        let mut letters = self.rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' => match letters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => break,
                },
                _ => text.push(letter),
            }
        }
        Err(start.unexpected())
    }

    /// Reads `%regular expression%`; the first percent sign comes next.
    pub(super) fn regex(&mut self) -> Result<Regex, PatternError> {
        let start = self.clone();
        self.expect("%")?;
        let (text, rest) = self.rest.split_once('%').ok_or_else(|| start.unexpected())?;
        self.rest = rest;
        self.regexes += 1;
        if let Some(strange) = text.chars().find(|c| !is_in_regex(*c)) {
            return Err(PatternError(format!("Invalid character(s) in term '{strange}'")));
        }
        RegexBuilder::new(text)
            .unicode(false)
            .size_limit(REGEX_BYTES_MAX)
            .build()
            .map_err(|_| PatternError(format!("Invalid regular expression '%{text}%'")))
    }

    /// What AWS says of the character that comes next.
    pub(super) fn unexpected(&self) -> PatternError {
        let mut letters = self.rest.chars().take(32);
        let strange: String = match letters.next() {
            Some(first) if first.is_alphanumeric() => {
                std::iter::once(first).chain(letters.take_while(|c| c.is_alphanumeric())).collect()
            }
            Some(first) => {
                let is_sign = |c: &char| !c.is_alphanumeric() && !c.is_whitespace();
                std::iter::once(first).chain(letters.take(2).take_while(is_sign)).collect()
            }
            None => String::new(),
        };
        if strange.is_empty() {
            return PatternError("Invalid filter pattern: it ends too early".to_owned());
        }
        PatternError(format!("Invalid character(s) in term '{strange}'"))
    }
}

/// "Filter patterns with regex can only include the following" (user guide, "Supported regular expressions"):
/// letters, digits, some symbols and the operators; no parentheses and no multi-byte characters.
fn is_in_regex(c: char) -> bool {
    c.is_ascii_alphanumeric() || ":_#=@/;,-^$?[]{}|\\*+.".contains(c)
}
