//! The commands of an environment: its runtime and its extensions, with their variables.
#![expect(unsafe_code, reason = "a hook between fork and exec ties the process to the server's life")]

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::rewrite::Directories;
use crate::{EnvironmentSpec, Program, StartError};

/// Tells our bootstraps where layers are; they take it out of the environment.
const OPT_DIR_VARIABLE: &str = "LAMBENT_OPT_DIR";

/// What the runtime alone may see (AWS Lambda developer guide, Extensions API, "Environment variables"); nor do
/// extensions get names that begin with an underscore.
const RUNTIME_ONLY: [&str; 7] = [
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_TASK_ROOT",
    "PWD",
];

/// AWS's limit on open files.
const FILES_MAX: u64 = 1024;

/// An external extension: its file name, and how to start it.
#[derive(Debug)]
pub(super) struct Extension {
    pub(super) name: String,
    pub(super) command: Command,
}

/// The variables of an environment, with paths that are real and addresses filled in.
pub(super) fn variables(
    spec: &EnvironmentSpec,
    directories: &Directories<'_>,
    runtime_api: &str,
    endpoint_url: Option<&str>,
    tmp: &Path,
) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> =
        spec.variables.iter().map(|(name, value)| (name.clone(), directories.rewrite(name, value))).collect();
    variables.retain(|(name, _)| name != "AWS_LAMBDA_RUNTIME_API" && name != OPT_DIR_VARIABLE);
    variables.push(("AWS_LAMBDA_RUNTIME_API".to_owned(), runtime_api.to_owned()));
    let mut default = |name: &str, value: String| {
        if !variables.iter().any(|(present, _)| present == name) {
            variables.push((name.to_owned(), value));
        }
    };
    if let Some(url) = endpoint_url {
        default("AWS_ENDPOINT_URL", url.to_owned());
    }
    default("TMPDIR", tmp.display().to_string());
    // Also what leftovers of a killed server are found by.
    default("LAMBDA_RUNTIME_DIR", directories.runtime.display().to_string());
    variables
}

/// How the runtime is started.
///
/// # Errors
/// [`StartError::InvalidEntrypoint`] when there is no program to run.
pub(super) fn runtime(
    spec: &EnvironmentSpec,
    directories: &Directories<'_>,
    variables: &[(String, String)],
) -> Result<Command, StartError> {
    let (interpreter, options, file) = match &spec.program {
        Program::Python { interpreter } => {
            (interpreter, runtimes::PYTHON_OPTIONS, runtimes::BOOTSTRAP_PY_FILE)
        }
        Program::Node { interpreter } => (interpreter, runtimes::NODE_OPTIONS, runtimes::BOOTSTRAP_MJS_FILE),
        Program::Bootstrap => {
            let mut command = Command::new(find_bootstrap(directories)?);
            prepare(&mut command, variables, directories.task);
            return Ok(command);
        }
    };
    // As on AWS it is a shell that runs the wrapper: a missing one ends the runtime with status 127.
    let wrapped =
        variables.iter().any(|(name, value)| name == "AWS_LAMBDA_EXEC_WRAPPER" && !value.is_empty());
    let mut command = if wrapped {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", r#"exec "$AWS_LAMBDA_EXEC_WRAPPER" "$@""#, "bootstrap"]).arg(interpreter);
        shell
    } else {
        Command::new(interpreter)
    };
    command.args(options).arg(directories.runtime.join(file));
    prepare(&mut command, variables, directories.task);
    command.env(OPT_DIR_VARIABLE, directories.opt);
    Ok(command)
}

/// The extensions in `/opt/extensions`, in the order of their names.
pub(super) fn extensions(opt: &Path, variables: &[(String, String)]) -> io::Result<Vec<Extension>> {
    let entries = match std::fs::read_dir(opt.join("extensions")) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files: Vec<PathBuf> =
        entries.into_iter().map(|e| e.path()).filter(|path| path.is_file()).collect();
    files.sort();
    let shared: Vec<(String, String)> = variables
        .iter()
        .filter(|(name, _)| !name.starts_with('_') && !RUNTIME_ONLY.contains(&name.as_str()))
        .cloned()
        .collect();
    let make = |file: PathBuf| {
        let mut command = Command::new(&file);
        prepare(&mut command, &shared, Path::new("/"));
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Extension { name, command }
    };
    Ok(files.into_iter().map(make).collect())
}

/// AWS's own order and words (Lambda developer guide, "Building a custom runtime").
fn find_bootstrap(directories: &Directories<'_>) -> Result<PathBuf, StartError> {
    let places = [directories.runtime, directories.task, directories.opt];
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    places.iter().map(|place| place.join("bootstrap")).find(is_program).ok_or_else(|| {
        StartError::InvalidEntrypoint(
            "Couldn't find valid bootstrap(s): [/var/runtime/bootstrap /var/task/bootstrap /opt/bootstrap]"
                .to_owned(),
        )
    })
}

pub(super) fn prepare(command: &mut Command, variables: &[(String, String)], cwd: &Path) {
    command.env_clear().envs(variables.iter().map(|(name, value)| (name, value))).current_dir(cwd);
    command.stdin(std::process::Stdio::null());
    let server = rustix::process::getpid();
    let hook = move || {
        rustix::process::setsid()?;
        limit_files()?;
        die_with_server(server)
    };
    // SAFETY: between fork and exec the hook makes system calls only; it allocates nothing and takes no lock.
    unsafe { command.pre_exec(hook) };
}

fn limit_files() -> io::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(limit.maximum.map_or(FILES_MAX, |maximum| maximum.min(FILES_MAX)));
    limit.maximum = limit.current;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// Has the kernel kill this process when the thread that started it ends, as it does when the server is killed.
#[cfg(target_os = "linux")]
fn die_with_server(server: rustix::process::Pid) -> io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before that.
    if getppid() == Some(server) { Ok(()) } else { Err(io::ErrorKind::NotConnected.into()) }
}

#[cfg(not(target_os = "linux"))]
fn die_with_server(_server: rustix::process::Pid) -> io::Result<()> {
    Ok(())
}
