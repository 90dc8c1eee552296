//! Computes expressions.

use std::collections::BTreeMap;

use super::functions;
use super::parser::{Expression, Operator};
use super::value::{Figures, Value};
use crate::reader::Window;

/// What an expression can refer to.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    /// The results of other queries, by id.
    pub(crate) results: &'a BTreeMap<String, Value>,
    /// The ids of those that are metrics, in their order.
    pub(crate) metrics: &'a [String],
    /// What searches have found, by the text of their calls.
    pub(crate) found: &'a BTreeMap<String, Vec<Figures>>,
    /// For time series that an expression makes out of nothing.
    pub(crate) window: Window,
}

/// The value of an expression, or what is wrong with it.
pub(crate) fn evaluate(expression: &Expression, scope: &Scope<'_>) -> Result<Value, String> {
    match expression {
        Expression::Number(number) => Ok(Value::Scalar(*number)),
        Expression::Text(text) => Err(format!("Unexpected text \"{text}\".")),
        Expression::Name(id) => match scope.results.get(id) {
            Some(value) => Ok(value.clone()),
            None => Err(format!("There is no metric or expression with the id {id}.")),
        },
        Expression::List(parts) => {
            let mut array = Vec::new();
            for part in parts {
                array.extend(functions::array(evaluate(part, scope)?)?);
            }
            Ok(Value::Array(array))
        }
        Expression::Call(name, arguments) => functions::call(name, arguments, scope),
        Expression::Negated(part) => Ok(evaluate(part, scope)?.map(|value| -value)),
        Expression::Binary(operator, left, right) => {
            let (left, right) = (evaluate(left, scope)?, evaluate(right, scope)?);
            left.zip(right, |left, right| combine(*operator, left, right))
        }
    }
}

#[expect(clippy::float_cmp, reason = "CloudWatch compares figures exactly")]
fn combine(operator: Operator, left: f64, right: f64) -> f64 {
    let truth = |truth: bool| if truth { 1.0 } else { 0.0 };
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        // "If the value of a data point causes a function to attempt to divide by zero, the data point is dropped."
        Operator::Divide if right == 0.0 => f64::NAN,
        Operator::Divide => left / right,
        Operator::Power => left.powf(right),
        Operator::Equal => truth(left == right),
        Operator::NotEqual => truth(left != right),
        Operator::Less => truth(left < right),
        Operator::LessOrEqual => truth(left <= right),
        Operator::Greater => truth(left > right),
        Operator::GreaterOrEqual => truth(left >= right),
        Operator::And => truth(left != 0.0 && right != 0.0),
        Operator::Or => truth(left != 0.0 || right != 0.0),
    }
}
