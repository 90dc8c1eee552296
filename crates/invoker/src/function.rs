//! A function version as the engine sees it: everything that is needed to run it, and nothing of the API.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ids::{AccountId, FunctionArn, Region};
use sandbox::Program;

/// One version of a function, ready to run. Environments are reused only for the same `revision`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// With `$LATEST` or a number as qualifier.
    pub arn: FunctionArn,
    /// Changes with every change of code or configuration: environments of an older revision are not reused.
    pub revision: String,
    /// The runtime's name as the API has it, such as `python3.12`.
    pub runtime: String,
    /// Warns that the host's interpreter is not exactly the one asked for; written to the log at init.
    pub runtime_warning: Option<String>,
    /// What to start.
    pub program: Program,
    /// The handler, such as `index.handler`.
    pub handler: String,
    /// The execution role.
    pub role: String,
    /// `x86_64` or `arm64`.
    pub architecture: &'static str,
    /// The limit of one invocation.
    pub timeout: Duration,
    /// Memory in MiB.
    pub memory_mb: u32,
    /// The size of `/tmp` in MiB.
    pub tmp_mb: u32,
    /// The customer's variables.
    pub variables: Vec<(String, String)>,
    /// The unpacked code.
    pub task_dir: PathBuf,
    /// The unpacked layers, in order.
    pub layer_dirs: Vec<PathBuf>,
    /// Where and how its logs go.
    pub logging: Logging,
}

impl Function {
    /// Whose it is.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.arn.account
    }

    /// Where it is.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.arn.region
    }
}

/// The function as it is passed around.
pub type SharedFunction = Arc<Function>;

/// Where and how a function's logs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// The log group.
    pub group: String,
    /// The form of the platform's own lines, and of the application's where the runtime supports it.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines of text: `START`, `END`, `REPORT`.
    Text,
    /// JSON documents, with the least level of each kind that is kept.
    Json {
        /// `TRACE` to `FATAL`.
        application_level: String,
        /// `DEBUG`, `INFO` or `WARN`.
        system_level: String,
    },
}
