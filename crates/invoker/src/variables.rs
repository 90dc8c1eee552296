//! The environment variables of a function. Source: AWS Lambda developer guide, "Working with Lambda
//! environment variables"; values as observed on AWS.

use std::collections::BTreeMap;

use sandbox::EnvironmentId;
use targets::Credentials;

use crate::function::{Function, LogFormat};

/// How an environment came to be, in the words of `AWS_LAMBDA_INITIALIZATION_TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InitializationType {
    OnDemand,
    Provisioned,
}

impl InitializationType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Provisioned => "provisioned-concurrency",
        }
    }
}

/// The name of an environment's log stream. `day` is `YYYY/MM/DD`.
pub(crate) fn log_stream_name(day: &str, function: &Function, id: &EnvironmentId) -> String {
    format!("{day}/[{}]{id}", version(function))
}

/// `$LATEST` or a number.
pub(crate) fn version(function: &Function) -> String {
    function.arn.qualifier.as_ref().map_or_else(|| "$LATEST".to_owned(), ToString::to_string)
}

/// All variables but those that only the sandbox knows. What the customer sets wins over the defaults and
/// loses against the reserved names, which the API refuses anyway.
pub(crate) fn variables(
    function: &Function,
    log_stream: &str,
    initialization: InitializationType,
    credentials: &Credentials,
) -> Vec<(String, String)> {
    let mut all = BTreeMap::new();
    for (name, value) in defaults(function) {
        all.insert(name.to_owned(), value);
    }
    all.extend(function.variables.iter().cloned());
    for (name, value) in reserved(function, log_stream, initialization, credentials) {
        all.insert(name.to_owned(), value);
    }
    all.into_iter().collect()
}

fn defaults(function: &Function) -> Vec<(&'static str, String)> {
    let mut defaults = vec![
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_owned()),
        (
            "LD_LIBRARY_PATH",
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
                .to_owned(),
        ),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".to_owned()),
        ("AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000".to_owned()),
        ("_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1".to_owned()),
        ("_AWS_XRAY_DAEMON_PORT", "2000".to_owned()),
    ];
    if function.runtime.starts_with("python") {
        defaults.push(("PYTHONPATH", "/var/runtime".to_owned()));
    }
    if let Some(release) = function.runtime.strip_prefix("nodejs") {
        let major = release.split('.').next().unwrap_or_default();
        let path = format!(
            "/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"
        );
        defaults.push(("NODE_PATH", path));
    }
    defaults
}

fn reserved(
    function: &Function,
    log_stream: &str,
    initialization: InitializationType,
    credentials: &Credentials,
) -> Vec<(&'static str, String)> {
    let region = function.region().as_str();
    let mut reserved = vec![
        ("_HANDLER", function.handler.clone()),
        ("AWS_REGION", region.to_owned()),
        ("AWS_DEFAULT_REGION", region.to_owned()),
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.clone()),
        ("AWS_SESSION_TOKEN", credentials.session_token.clone()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.arn.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", version(function)),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", initialization.name().to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", function.logging.group.clone()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream.to_owned()),
        ("LAMBDA_TASK_ROOT", "/var/task".to_owned()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ("PWD", "/var/task".to_owned()),
    ];
    if !function.runtime.starts_with("provided") {
        reserved.push(("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", function.runtime)));
    }
    if let LogFormat::Json { application_level, .. } = &function.logging.format {
        reserved.push(("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()));
        reserved.push(("AWS_LAMBDA_LOG_LEVEL", application_level.clone()));
    }
    reserved
}
