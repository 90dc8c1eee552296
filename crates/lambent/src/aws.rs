//! `lambent aws`: the installed AWS CLI, pointed at this server.

use std::io::ErrorKind;
use std::process::{Command, ExitCode};

use crate::arguments::AwsOptions;
use crate::environment;
use crate::failure::Failure;

pub(crate) fn run(options: &AwsOptions) -> Result<ExitCode, Failure> {
    // An option rather than AWS_ENDPOINT_URL: versions before 2.13 do not know the variable, and version 1
    // ignores it for SQS and would talk to AWS itself.
    let status = Command::new("aws")
        .args(["--endpoint-url", &options.endpoint.endpoint])
        .args(&options.arguments)
        .envs(environment::missing())
        .status();
    match status {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
            Ok(ExitCode::from(code))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::new(
            "the AWS CLI is not installed: no program `aws` was found",
            "install it with `apt-get install awscli`, `brew install awscli` or `pip install awscli`",
        )),
        Err(error) => {
            Err(Failure::new(format!("the AWS CLI cannot be started: {error}"), "run `aws --version`"))
        }
    }
}
