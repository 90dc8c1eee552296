//! Runs functions: admission, environments, outcome. Knows nothing of the AWS API.

mod function;
mod request;

pub use function::{Function, LogFormat, Logging, SharedFunction};
pub use request::{FunctionError, InvokeError, Invocation, Outcome, Report, StreamPart, ThrottleReason};
