//! What stands in a field's list: values and match expressions.
//!
//! The order of the checks, and their texts, are those of event-ruler's `JsonRuleCompiler`, which reads a pattern from
//! left to right.

use serde_json::{Map, Number, Value};

use crate::matcher::{Letters, Matcher};
use crate::network::Network;
use crate::number::{self, Bound, Range};
use crate::wildcard::Wildcard;
use crate::{Dialect, PatternError};

const ONE_KEY: &str = "Only one key allowed in match expression";
const TOO_MANY_ELEMENTS: &str = "Too many elements in numeric expression";
const ANYTHING_BUT_VALUE: &str = "Value of anything-but must be an array or single string/number value.";

fn refused<T>(text: impl Into<String>) -> Result<T, PatternError> {
    Err(PatternError::new(text))
}

/// Reads one entry of a field's list.
pub(crate) fn parse(entry: &Value, dialect: Dialect) -> Result<Matcher, PatternError> {
    match entry {
        Value::String(text) => Ok(Matcher::text(text)),
        Value::Number(number) => Ok(Matcher::Number(number.clone())),
        Value::Null | Value::Bool(_) => Ok(Matcher::Constant(entry.clone())),
        Value::Object(expression) => parse_expression(expression, dialect),
        Value::Array(_) => refused("Match value must be String, number, true, false, or null"),
    }
}

fn parse_expression(expression: &Map<String, Value>, dialect: Dialect) -> Result<Matcher, PatternError> {
    let Some((name, value)) = expression.iter().next() else {
        return refused("Match expression name not found");
    };
    let (matcher, too_many) = match name.as_str() {
        "exactly" => (Matcher::text(text_of(value, "exact")?), ONE_KEY),
        "prefix" => (Matcher::Prefix(letters_of(value, "prefix", dialect)?), ONE_KEY),
        "suffix" => (Matcher::Suffix(letters_of(value, "suffix", dialect)?), ONE_KEY),
        "equals-ignore-case" => {
            (Matcher::EqualsIgnoreCase(Letters::any_case(text_of(value, "equals-ignore-case")?)), ONE_KEY)
        }
        "wildcard" => (Matcher::Wildcard(Wildcard::parse(text_of(value, "wildcard")?)?), ONE_KEY),
        // AWS says "prefix" here (recorded).
        "cidr" => (Matcher::Cidr(Network::parse(text_of(value, "prefix")?)?), ONE_KEY),
        "exists" => match value {
            Value::Bool(true) => (Matcher::Exists, ONE_KEY),
            Value::Bool(false) => (Matcher::Absent, ONE_KEY),
            _ => return refused("exists match pattern must be either true or false."),
        },
        "numeric" => (Matcher::Numeric(parse_numeric(value)?), TOO_MANY_ELEMENTS),
        "anything-but" => (Matcher::AnythingBut(parse_anything_but(value, dialect)?), TOO_MANY_ELEMENTS),
        _ => return refused(format!("Unrecognized match type {name}")),
    };
    if expression.len() > 1 {
        return refused(too_many);
    }
    Ok(matcher)
}

fn text_of<'a>(value: &'a Value, what: &str) -> Result<&'a str, PatternError> {
    value.as_str().ok_or_else(|| PatternError(format!("{what} match pattern must be a string")))
}

/// What stands after `prefix` or `suffix`: EventBridge takes `{"equals-ignore-case": text}`, too.
fn letters_of(value: &Value, name: &str, dialect: Dialect) -> Result<Letters, PatternError> {
    match value {
        Value::Object(inner) if matches!(dialect, Dialect::EventBridge | Dialect::LambdaFilter) => {
            match inner.iter().next() {
                Some((operator, text)) if operator == "equals-ignore-case" => {
                    let text = text_of(text, operator)?;
                    if inner.len() > 1 { refused(ONE_KEY) } else { Ok(Letters::any_case(text)) }
                }
                Some((operator, _)) => refused(format!("Unsupported {name} pattern: {operator}")),
                None => refused("Match expression name not found"),
            }
        }
        _ => Ok(Letters::Exact(text_of(value, name)?.to_owned())),
    }
}

fn parse_anything_but(value: &Value, dialect: Dialect) -> Result<Vec<Matcher>, PatternError> {
    match value {
        Value::String(text) => Ok(vec![Matcher::text(text)]),
        Value::Number(number) => Ok(vec![comparable(number)?]),
        Value::Array(values) => parse_anything_but_list(values),
        Value::Object(inner) => parse_anything_but_expression(inner, dialect),
        Value::Null | Value::Bool(_) => refused(ANYTHING_BUT_VALUE),
    }
}

fn parse_anything_but_list(values: &[Value]) -> Result<Vec<Matcher>, PatternError> {
    let excluded: Vec<Matcher> = values
        .iter()
        .map(|value| match value {
            Value::String(text) => Ok(Matcher::text(text)),
            Value::Number(number) => comparable(number),
            _ => refused("Inside anything but list, start|null|boolean is not supported."),
        })
        .collect::<Result<_, _>>()?;
    let numbers = values.iter().filter(|value| value.is_number()).count();
    if values.is_empty() || (numbers > 0 && numbers < values.len()) {
        return refused(
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        );
    }
    Ok(excluded)
}

fn parse_anything_but_expression(
    inner: &Map<String, Value>,
    dialect: Dialect,
) -> Result<Vec<Matcher>, PatternError> {
    let Some((operator, value)) = inner.iter().next() else {
        return refused("Anything-But expression name not found");
    };
    let is_sns = matches!(dialect, Dialect::SnsAttributes | Dialect::SnsBody);
    let known: &[&str] = if is_sns {
        &["prefix", "wildcard"]
    } else {
        &["prefix", "suffix", "equals-ignore-case", "wildcard"]
    };
    if !known.contains(&operator.as_str()) {
        return refused(format!("Unsupported anything-but pattern: {operator}"));
    }
    let values = match value {
        Value::Array(values) => values.as_slice(),
        Value::String(_) | Value::Number(_) => std::slice::from_ref(value),
        // SNS does not look at the kind before the operator does (recorded).
        _ if is_sns => return refused(format!("{operator} match pattern must be a string")),
        _ => return refused(ANYTHING_BUT_VALUE),
    };
    let excluded =
        values.iter().map(|value| parse_excluded(operator, value, is_sns)).collect::<Result<_, _>>()?;
    if inner.len() > 1 {
        return refused(ONE_KEY);
    }
    Ok(excluded)
}

fn parse_excluded(operator: &str, value: &Value, is_sns: bool) -> Result<Matcher, PatternError> {
    match (operator, value) {
        ("prefix" | "suffix", Value::String(text)) if text.is_empty() => {
            refused("Null prefix/suffix not allowed")
        }
        ("prefix", Value::String(text)) => Ok(Matcher::Prefix(Letters::Exact(text.clone()))),
        ("suffix", Value::String(text)) => Ok(Matcher::Suffix(Letters::Exact(text.clone()))),
        ("equals-ignore-case", Value::String(text)) => Ok(Matcher::EqualsIgnoreCase(Letters::any_case(text))),
        ("wildcard", Value::String(text)) => Wildcard::parse(text).map(Matcher::Wildcard),
        ("wildcard", _) => refused("wildcard match pattern must be a string"),
        ("equals-ignore-case", _) => refused(
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
        ),
        _ if is_sns => refused(format!("{operator} match pattern must be a string")),
        _ => refused("prefix/suffix match pattern must be a string"),
    }
}

fn comparable(number: &Number) -> Result<Matcher, PatternError> {
    millionths(number).map(|_| Matcher::Number(number.clone()))
}

fn millionths(number: &Number) -> Result<i64, PatternError> {
    number::comparable(number)
        .ok_or_else(|| PatternError::new("Value must be between -5.0E9 and 5.0E9, inclusive"))
}

/// Reads `["=", 5]`, `["<", 10]`, `[">", 0, "<=", 5]`.
fn parse_numeric(value: &Value) -> Result<Range, PatternError> {
    let Value::Array(members) = value else {
        return refused("Value of numeric must be an array.");
    };
    let operator = match members.first() {
        Some(Value::String(operator)) => operator.as_str(),
        // AWS shows the token that it found.
        None => return refused("Invalid member in numeric match: ]"),
        Some(other) => return refused(format!("Invalid member in numeric match: {}", token_of(other))),
    };
    let (name, bounds): (&str, fn(i64) -> Range) = match operator {
        "=" => ("equals", |at| Range { bottom: Bound::Including(at), top: Bound::Including(at) }),
        "<=" => ("<=", |top| Range { bottom: Bound::Open, top: Bound::Including(top) }),
        "<" => ("<", |top| Range { bottom: Bound::Open, top: Bound::Excluding(top) }),
        ">=" => (">=", |bottom| Range { bottom: Bound::Including(bottom), top: Bound::Open }),
        ">" => (">", |bottom| Range { bottom: Bound::Excluding(bottom), top: Bound::Open }),
        _ => return refused(format!("Unrecognized numeric range operator: {operator}")),
    };
    let first = numeric(members.get(1), name)?;
    let range = bounds(first);
    if members.len() == 2 {
        return Ok(range);
    }
    if range.top != Bound::Open {
        return refused(TOO_MANY_ELEMENTS);
    }
    let (top, second) = parse_top(&members[2..])?;
    if second <= first {
        return refused("Bottom must be less than top");
    }
    Ok(Range { top, ..range })
}

/// Reads the second half of a range.
fn parse_top(members: &[Value]) -> Result<(Bound, i64), PatternError> {
    let operator = match &members[0] {
        Value::String(operator) => operator.as_str(),
        other => return refused(format!("Bad value in numeric range: {}", token_of(other))),
    };
    let bound = match operator {
        "<" => Bound::Excluding,
        "<=" => Bound::Including,
        _ => return refused(format!("Bad numeric range operator: {operator}")),
    };
    let top = numeric(members.get(1), operator)?;
    if members.len() > 2 {
        return refused("Too many terms in numeric range expression");
    }
    Ok((bound(top), top))
}

fn numeric(value: Option<&Value>, operator: &str) -> Result<i64, PatternError> {
    match value {
        Some(Value::Number(number)) => millionths(number),
        _ => refused(format!("Value of {operator} must be numeric")),
    }
}

fn token_of(value: &Value) -> String {
    match value {
        Value::Array(_) => "[".to_owned(),
        Value::Object(_) => "{".to_owned(),
        other => other.to_string(),
    }
}
