//! `{ ($.status >= 500 || $.level = "ERROR") && $.retry NOT EXISTS }`: conditions on a message that is JSON.

use serde_json::Value;

use super::PatternError;
use super::comparison::Comparison;
use super::expression::{self, Expression};
use super::scanner::Scanner;

#[derive(Debug, Clone)]
pub(super) struct JsonTest {
    selector: Vec<Step>,
    predicate: Predicate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Property(String),
    Index(usize),
    /// `[*]` or `.*`: any element or any property's value.
    Every,
}

#[derive(Debug, Clone)]
enum Predicate {
    Compares(Comparison),
    IsTrue,
    IsFalse,
    IsNull,
    NotExists,
}

/// Whether the message is a JSON object (or array) for which the expression holds.
pub(super) fn matches(expression: &Expression<JsonTest>, message: &str) -> bool {
    if !message.trim_start().starts_with(['{', '[']) {
        return false;
    }
    match serde_json::from_str::<Value>(message) {
        Ok(value) => expression.holds(&|test| test.holds(&value)),
        Err(_) => false,
    }
}

impl JsonTest {
    fn holds(&self, message: &Value) -> bool {
        let mut found = false;
        let holds = visit(message, &self.selector, &mut |value| {
            found = true;
            self.predicate.holds(value)
        });
        match self.predicate {
            Predicate::NotExists => !found,
            _ => holds,
        }
    }
}

/// Calls `test` with the values that `steps` lead to, until it says yes.
fn visit(value: &Value, steps: &[Step], test: &mut impl FnMut(&Value) -> bool) -> bool {
    let Some((step, rest)) = steps.split_first() else { return test(value) };
    match (step, value) {
        (Step::Property(name), Value::Object(object)) => {
            object.get(name).is_some_and(|inner| visit(inner, rest, test))
        }
        (Step::Index(index), Value::Array(items)) => {
            items.get(*index).is_some_and(|inner| visit(inner, rest, test))
        }
        (Step::Every, Value::Array(items)) => items.iter().any(|inner| visit(inner, rest, test)),
        (Step::Every, Value::Object(object)) => object.values().any(|inner| visit(inner, rest, test)),
        _ => false,
    }
}

impl Predicate {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::IsTrue => *value == Value::Bool(true),
            Self::IsFalse => *value == Value::Bool(false),
            Self::IsNull => value.is_null(),
            Self::NotExists => false,
            Self::Compares(comparison) => match value {
                Value::String(text) => comparison.holds_for_text(text),
                Value::Number(number) => {
                    number.as_f64().is_some_and(|n| comparison.holds_for_number(n, &number.to_string()))
                }
                Value::Bool(flag) => comparison.holds_for_text(if *flag { "true" } else { "false" }),
                // "The SELECTOR must point to a value node. If it points to an array or object, the filter will not
                // be applied": neither = nor != match (user guide).
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            },
        }
    }
}

/// Reads what follows the opening brace.
pub(super) fn parse(scanner: &mut Scanner<'_>) -> Result<Expression<JsonTest>, PatternError> {
    let expression = expression::parse(scanner, &mut parse_test)?;
    scanner.expect("}")?;
    Ok(expression)
}

fn parse_test(scanner: &mut Scanner<'_>) -> Result<JsonTest, PatternError> {
    scanner.skip_blanks();
    let selector = parse_selector(scanner)?;
    scanner.skip_blanks();
    let predicate = if scanner.eat_keyword("IS") {
        scanner.skip_blanks();
        let predicates =
            [("TRUE", Predicate::IsTrue), ("FALSE", Predicate::IsFalse), ("NULL", Predicate::IsNull)];
        let known = predicates.into_iter().find(|(keyword, _)| scanner.eat_keyword(keyword));
        known.ok_or_else(|| scanner.unexpected())?.1
    } else if scanner.eat_keyword("NOT") {
        scanner.skip_blanks();
        if !scanner.eat_keyword("EXISTS") {
            return Err(scanner.unexpected());
        }
        Predicate::NotExists
    } else {
        Predicate::Compares(Comparison::parse(scanner)?.ok_or_else(|| scanner.unexpected())?)
    };
    Ok(JsonTest { selector, predicate })
}

/// `$.a.b[0]['c.d']`; one step may be an asterisk.
fn parse_selector(scanner: &mut Scanner<'_>) -> Result<Vec<Step>, PatternError> {
    let start = scanner.clone();
    scanner.expect("$")?;
    let mut steps = Vec::new();
    loop {
        let step = if scanner.eat(".") {
            if scanner.eat("*") { Step::Every } else { parse_property(scanner)? }
        } else if scanner.eat("[") {
            let step = parse_bracket(scanner)?;
            scanner.expect("]")?;
            step
        } else {
            break;
        };
        steps.push(step);
    }
    if steps.is_empty() || steps.iter().filter(|step| **step == Step::Every).count() > 1 {
        return Err(start.unexpected());
    }
    Ok(steps)
}

/// "Property selectors are alphanumeric strings that also support '-' and '_' characters" (user guide).
fn parse_property(scanner: &mut Scanner<'_>) -> Result<Step, PatternError> {
    let name = scanner.take_while(|c| c.is_alphanumeric() || c == '-' || c == '_');
    if name.is_empty() { Err(scanner.unexpected()) } else { Ok(Step::Property(name.to_owned())) }
}

fn parse_bracket(scanner: &mut Scanner<'_>) -> Result<Step, PatternError> {
    for quote in ["'", "\""] {
        if scanner.eat(quote) {
            let name = scanner.take_while(|c| !quote.contains(c)).to_owned();
            scanner.expect(quote)?;
            return Ok(Step::Property(name));
        }
    }
    if scanner.eat("*") {
        return Ok(Step::Every);
    }
    let before = scanner.clone();
    let digits = scanner.take_while(|c| c.is_ascii_digit());
    digits.parse().map(Step::Index).map_err(|_| before.unexpected())
}
