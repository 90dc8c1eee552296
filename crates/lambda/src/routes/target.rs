//! A version of a function, ready to run.

use std::path::PathBuf;
use std::time::Duration;

use invoker::{Function, LogFormat, SharedFunction};
use packages::{PackageKey, Pin};
use runtimes::{Kind, Runtime};
use sandbox::Program;
use sha2::{Digest, Sha256};

use crate::Lambda;
use crate::errors::{Failure, Outcome, conflict, invalid_runtime};
use crate::function::mismatch;
use crate::tables::function::{FunctionKey, Logging, State, VersionRecord};

/// A version that can be invoked.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) function: SharedFunction,
    /// Keep the files for as long as an invocation may be under way.
    _pins: Vec<Pin>,
}

/// Makes a version ready to run, unless it is not to be invoked now.
pub(crate) async fn make_target(
    lambda: &Lambda,
    key: &FunctionKey,
    version: &VersionRecord,
) -> Outcome<Target> {
    check_state(&version.state)?;
    let configuration = &version.configuration;
    let (program, warning) = find_program(lambda, &configuration.runtime).await?;
    let warnings: Vec<String> = warning.into_iter().chain(mismatch(configuration.architecture)).collect();
    let mut pins = Vec::new();
    let task_dir = unpacked(lambda, &version.code.key, &mut pins).await?;
    let mut layer_dirs = Vec::new();
    for layer in &configuration.layers {
        layer_dirs.push(unpacked(lambda, &layer.package.key, &mut pins).await?);
    }
    let function = Function {
        arn: key.arn().qualified(version.qualifier()),
        revision: revision(version)?,
        runtime: configuration.runtime.clone(),
        runtime_warning: (!warnings.is_empty()).then(|| warnings.join(" ")),
        program,
        handler: configuration.handler.clone(),
        role: configuration.role.clone(),
        architecture: configuration.architecture.name(),
        timeout: Duration::from_secs(configuration.timeout_s.into()),
        memory_mb: configuration.memory_mb,
        tmp_mb: configuration.tmp_mb,
        variables: configuration.variables.clone().unwrap_or_default().into_iter().collect(),
        task_dir,
        layer_dirs,
        logging: logging(&configuration.logging),
    };
    Ok(Target { function: function.into(), _pins: pins })
}

fn check_state(state: &State) -> Outcome<()> {
    let not_in = |state: &str| {
        format!(
            "The operation cannot be performed at this time. The function is currently in the following state: {state}"
        )
    };
    match state {
        State::Active => Ok(()),
        State::Pending => Err(conflict(not_in("Pending"))),
        State::Failed(reason) => Err(conflict(format!("{} ({})", not_in("Failed"), reason.text))),
    }
}

/// Environments live as long as this stays the same. It is not the API's revision id, which changes with what does
/// not concern a running function, such as the publication of a version.
fn revision(version: &VersionRecord) -> Outcome<String> {
    let what = (&version.configuration, &version.code.key, version.last_modified);
    let json = serde_json::to_vec(&what).map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(format!("{:x}", Sha256::digest(json)))
}

async fn unpacked(lambda: &Lambda, key: &PackageKey, pins: &mut Vec<Pin>) -> Outcome<PathBuf> {
    pins.push(lambda.packages.pin(key));
    Ok(lambda.packages.unpacked(key).await?)
}

/// What runs the runtime, and what is to be said about it.
async fn find_program(lambda: &Lambda, name: &str) -> Outcome<(Program, Option<String>)> {
    let Some(runtime) = Runtime::find(name) else {
        return Err(invalid_runtime(format!("There is no runtime {name}.")));
    };
    if runtime.kind == Kind::Custom {
        return Ok((Program::Bootstrap, None));
    }
    let (interpreters, strict) = (lambda.interpreters.clone(), lambda.strict_runtimes);
    let resolved = lambda.tasks.blocking(move || interpreters.resolve(runtime, strict)).await;
    let interpreter = resolved
        .map_err(|error| Failure::Internal(error.to_string()))?
        .map_err(|error| invalid_runtime(error.to_string()))?;
    let program = match interpreter.language {
        runtimes::Language::Python => Program::Python { interpreter: interpreter.path },
        runtimes::Language::Node => Program::Node { interpreter: interpreter.path },
    };
    Ok((program, interpreter.warning))
}

fn logging(logging: &Logging) -> invoker::Logging {
    let format = match &logging.json {
        None => LogFormat::Text,
        Some(levels) => LogFormat::Json {
            application_level: levels.application.clone(),
            system_level: levels.system.clone(),
        },
    };
    invoker::Logging { group: logging.group.clone(), format }
}

#[cfg(test)]
impl Target {
    /// For tests that run nothing.
    pub(crate) fn of_nothing(key: &FunctionKey) -> Self {
        let function = Function {
            arn: key.arn(),
            revision: String::new(),
            runtime: "provided.al2023".to_owned(),
            runtime_warning: None,
            program: Program::Bootstrap,
            handler: String::new(),
            role: String::new(),
            architecture: "x86_64",
            timeout: Duration::ZERO,
            memory_mb: 128,
            tmp_mb: 512,
            variables: Vec::new(),
            task_dir: PathBuf::new(),
            layer_dirs: Vec::new(),
            logging: invoker::Logging { group: String::new(), format: LogFormat::Text },
        };
        Self { function: function.into(), _pins: Vec::new() }
    }
}
