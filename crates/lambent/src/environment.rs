//! `lambent env`: exports for a shell.

use std::process::ExitCode;

use crate::arguments::{EnvOptions, Shell};
use crate::failure::Failure;
use crate::terminal;

/// What AWS clients read, with values that do for a server without authentication.
const DEFAULTS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1")];

pub(crate) fn print(options: &EnvOptions) -> Result<ExitCode, Failure> {
    let endpoint = ("AWS_ENDPOINT_URL", options.endpoint.endpoint.clone());
    for (name, value) in std::iter::once(endpoint).chain(missing()) {
        // Single quotes keep a shell from reading anything into the value.
        terminal::line(&match options.shell {
            Shell::Sh => format!("export {name}='{}'", value.replace('\'', r"'\''")),
            Shell::Fish => format!("set -gx {name} '{}'", value.replace('\'', r"\'")),
            Shell::Powershell => format!("$Env:{name} = '{}'", value.replace('\'', "''")),
        });
    }
    Ok(ExitCode::SUCCESS)
}

/// The variables that are not set yet, with their defaults. AWS_DEFAULT_REGION goes along: the AWS CLI v1 knows
/// no AWS_REGION.
pub(crate) fn missing() -> Vec<(&'static str, String)> {
    let mut variables: Vec<(&str, String)> = DEFAULTS
        .into_iter()
        .filter(|(name, _)| read(name).is_none())
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    if read("AWS_DEFAULT_REGION").is_none() {
        let region = read("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned());
        variables.push(("AWS_DEFAULT_REGION", region));
    }
    variables
}

/// A variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "this crate is where the environment is read")]
pub(crate) fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// All variables that are valid text.
pub(crate) fn all() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
