//! A function's environment variables. Source: AWS Lambda developer guide, "Working with Lambda environment
//! variables" and "Lambda quotas".

use std::collections::BTreeMap;

use crate::errors::{Outcome, invalid_parameter};

/// The most bytes of all variables together, written as JSON.
const BYTES_MAX: usize = 4_096;

/// What AWS says before the reason.
const REFUSED: &str = "Lambda was unable to configure your environment variables because the environment variables \
                       you have provided";

/// The names that the platform sets itself and a customer may not.
const RESERVED: &[&str] = &[
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
];

/// That a customer may set these.
///
/// # Errors
/// `InvalidParameterValueException` for reserved names and for more than 4 KB.
pub(crate) fn check_variables(variables: &BTreeMap<String, String>) -> Outcome<()> {
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
    if !reserved.is_empty() {
        return Err(invalid_parameter(format!(
            "{REFUSED} contains reserved keys that are currently not supported for modification. Reserved keys \
             used in this request: {}",
            reserved.join(", ")
        )));
    }
    // A map of strings is always JSON.
    let json = serde_json::to_string(variables).unwrap_or_default();
    if json.len() > BYTES_MAX {
        return Err(invalid_parameter(format!("{REFUSED} exceeded the 4KB limit. String measured: {json}")));
    }
    Ok(())
}
