//! Which runtimes a function may have.

use runtimes::Runtime;

use crate::errors::{Outcome, invalid_parameter};

/// The runtime of this name, if functions may be created with it. AWS refuses those that it has deprecated; here that
/// is so with `strict` only, because what a host has may be older than what AWS still supports.
///
/// # Errors
/// `InvalidParameterValueException` for one that does not exist, that AWS has deprecated, or that cannot be run here.
pub(crate) fn find_runtime(name: &str, strict: bool) -> Outcome<&'static Runtime> {
    let Some(runtime) = Runtime::find(name) else {
        let names: Vec<&str> =
            Runtime::all().iter().filter(|runtime| !runtime.deprecated).map(|runtime| runtime.name).collect();
        return Err(invalid_parameter(format!(
            "Value {name} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or be \
             a valid ARN",
            names.join(", ")
        )));
    };
    if runtime.deprecated && (strict || runtime.ensure_runnable().is_err()) {
        return Err(invalid_parameter(format!(
            "The runtime parameter of {name} is no longer supported for creating or updating AWS Lambda functions. \
             We recommend you use a supported runtime while creating or updating functions."
        )));
    }
    runtime.ensure_runnable().map_err(|error| invalid_parameter(error.to_string()))?;
    Ok(runtime)
}
