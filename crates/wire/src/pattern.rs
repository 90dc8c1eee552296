//! Patterns of the models, compiled when first used.

use std::sync::OnceLock;

use regex::Regex;

/// A pattern that a whole text must match.
#[derive(Debug)]
pub struct Pattern {
    /// As the model has it; messages show this.
    pub text: &'static str,
    /// The same in the `regex` crate's syntax, made by the generator.
    regex: &'static str,
    compiled: OnceLock<Regex>,
}

impl Pattern {
    /// A pattern that is compiled when first used.
    #[must_use]
    pub const fn new(text: &'static str, regex: &'static str) -> Self {
        Self { text, regex, compiled: OnceLock::new() }
    }

    /// Whether all of `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.compiled().is_some_and(|regex| regex.is_match(text))
    }

    /// The compiled form. The generator has compiled each pattern once, so `None` means that a generated file
    /// was changed by hand; then nothing matches.
    pub fn compiled(&self) -> Option<&Regex> {
        if let Some(regex) = self.compiled.get() {
            return Some(regex);
        }
        let regex = Regex::new(&format!("^(?:{})$", self.regex)).ok()?;
        Some(self.compiled.get_or_init(|| regex))
    }
}
