//! The AWS CLI: the one on this host, or one installed from PyPI for the demo.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::environment;
use crate::failure::Failure;
use crate::terminal::{line, paint, say};

/// An AWS CLI that works.
#[derive(Debug)]
pub(crate) struct Client {
    program: PathBuf,
    /// Version 2 reads payloads as base64 unless told otherwise; version 1 knows no such option.
    is_v2: bool,
}

impl Client {
    pub(crate) fn find(given: Option<&Path>) -> Result<Self, Failure> {
        if let Some(program) = given {
            return Self::check(program).ok_or_else(|| {
                Failure::new(format!("{} is no AWS CLI that works", program.display()), "leave --aws out")
            });
        }
        let installed = cache().join("bin/aws");
        if let Some(client) = Self::check(Path::new("aws")).or_else(|| Self::check(&installed)) {
            return Ok(client);
        }
        install()?;
        Self::check(&installed).ok_or_else(no_client)
    }

    fn check(program: &Path) -> Option<Self> {
        let output = Command::new(program).arg("--version").output().ok()?;
        // Version 1 wrote its version to standard error once.
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let is_v2 = text.contains("aws-cli/2");
        (is_v2 || text.contains("aws-cli/1")).then(|| Self { program: program.to_owned(), is_v2 })
    }

    /// The options that make a payload be sent as it is.
    pub(crate) fn raw_payload(&self) -> &'static [&'static str] {
        if self.is_v2 { &["--cli-binary-format", "raw-in-base64-out"] } else { &[] }
    }

    /// Shows a command as a user would type it, runs it, and shows its answer.
    pub(crate) fn run(&self, endpoint: &str, folder: &Path, arguments: &[&str]) -> Result<String, Failure> {
        let arguments = [&["--endpoint-url", endpoint], arguments].concat();
        let shown: Vec<String> = arguments.iter().map(|argument| quote(argument)).collect();
        line(&format!("{} aws {}", paint("1;34", "$"), paint("1", &shown.join(" "))));
        let output = self.execute(folder, &arguments)?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        for text in answer.lines() {
            line(&format!("  {text}"));
        }
        if output.status.success() {
            return Ok(answer);
        }
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Failure::new(
            format!("the AWS CLI failed: {error}"),
            "this is a fault of Lambent's: please report it",
        ))
    }

    fn execute(&self, folder: &Path, arguments: &[&str]) -> Result<Output, Failure> {
        let output = Command::new(&self.program)
            .args(arguments)
            .current_dir(folder)
            // The user's own profile and pager stay out of it.
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env_remove("AWS_PROFILE")
            .env("AWS_PAGER", "")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "demo")
            .env("AWS_SECRET_ACCESS_KEY", "demo")
            .env_remove("AWS_SESSION_TOKEN")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_REGION", "us-east-1")
            .output()?;
        Ok(output)
    }
}

/// An argument as a shell would need it.
fn quote(argument: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,$@%+".contains(letter);
    if !argument.is_empty() && argument.chars().all(plain) && !argument.contains('$') {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

fn cache() -> PathBuf {
    let home = environment::read("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| environment::read("HOME").map(|home| PathBuf::from(home).join(".cache")));
    home.unwrap_or_else(std::env::temp_dir).join("lambent/aws-cli")
}

fn install() -> Result<(), Failure> {
    let cache = cache();
    say(&format!("no AWS CLI is installed: fetching it from PyPI into {} (once)", cache.display()));
    let run = |program: &Path, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    let folder = cache.display().to_string();
    let made = run(Path::new("python3"), &["-m", "venv", &folder]);
    let pip = cache.join("bin/pip");
    if made && run(&pip, &["install", "--quiet", "--disable-pip-version-check", "awscli"]) {
        Ok(())
    } else {
        Err(no_client())
    }
}

fn no_client() -> Failure {
    Failure::new(
        "there is no AWS CLI on this host, and it could not be installed from PyPI",
        "install it (`apt-get install awscli`, `brew install awscli` or `pip install awscli`), or give --aws PROGRAM",
    )
}
