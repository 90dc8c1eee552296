//! What went wrong, and what the user can do about it.

use std::fmt;

/// A failure of a command: a cause and a remedy.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) cause: String,
    pub(crate) remedy: Option<String>,
}

impl Failure {
    pub(crate) fn new(cause: impl fmt::Display, remedy: impl Into<String>) -> Self {
        Self { cause: cause.to_string(), remedy: Some(remedy.into()) }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { cause: error.to_string(), remedy: None }
    }
}
