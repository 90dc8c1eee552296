//! Metric math ("Using metric math", Amazon CloudWatch user guide): expressions over metrics and over one another.

mod evaluate;
mod functions;
mod parser;
mod search;
mod value;

pub(crate) use evaluate::{Scope, evaluate};
pub(crate) use parser::{Expression, parse};
pub(crate) use search::{Search, searches};
pub(crate) use value::{Figures, Value};

#[cfg(test)]
mod tests;
