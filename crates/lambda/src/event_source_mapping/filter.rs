//! `FilterCriteria`: which patterns there may be. Source: AWS Lambda developer guide, "Control which events Lambda sends
//! to your function".

use api_lambda::FilterCriteria;
use event_pattern::{Dialect, Pattern};
use serde_json::Value;

use super::Kind;
use crate::errors::{Failure, Outcome, invalid_parameter};

/// "You can use up to five different filters for each event source mapping" (the quota that accounts begin with).
const FILTERS_MAX: usize = 5;

/// The patterns, if they are some.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(super) fn read_filters(criteria: &FilterCriteria, kind: Kind) -> Outcome<Vec<String>> {
    let filters = criteria.filters.as_deref().unwrap_or_default();
    if filters.len() > FILTERS_MAX {
        return Err(invalid_parameter(format!(
            "{} filters are more than the {FILTERS_MAX} that an event source mapping may have.",
            filters.len()
        )));
    }
    filters.iter().map(|filter| read_pattern(filter.pattern.as_deref(), kind)).collect()
}

fn read_pattern(text: Option<&str>, kind: Kind) -> Outcome<String> {
    let text = text.ok_or_else(invalid)?;
    Pattern::parse(text, Dialect::LambdaFilter).map_err(|_| invalid())?;
    let pattern = serde_json::from_str(text).unwrap_or_default();
    if kind == Kind::Stream && wants_plain_text(&pattern) {
        return Err(invalid());
    }
    Ok(text.to_owned())
}

/// "To properly filter events from Kinesis, both the data field and your filter criteria for the data field must be in
/// valid JSON format. If either field isn't in a valid JSON format, Lambda drops the message or throws an exception": a
/// pattern for the data as plain text is a list, also in a branch of `$or`.
fn wants_plain_text(pattern: &Value) -> bool {
    let branches = pattern.get("$or").and_then(Value::as_array).into_iter().flatten();
    pattern.get("data").is_some_and(Value::is_array) || branches.into_iter().any(wants_plain_text)
}

fn invalid() -> Failure {
    invalid_parameter("Invalid filter pattern definition.")
}
