//! Runs functions: admission, environments, outcome. Knows nothing of the AWS API.
//!
//! An [`Invocation`] is admitted or throttled (`admission`), gets an idle environment or a fresh one (`pool`,
//! `lifecycle`), runs (`invocation`) and ends in an [`Outcome`] (`outcome`), its log lines (`log`) and a record
//! for the bill. Nothing on the way of a warm invocation waits for a store or spawns a task.

mod admission;
mod endpoint;
mod engine;
mod environment;
mod expiry;
mod function;
mod invocation;
mod invoker;
mod lifecycle;
mod log;
mod observer;
mod outcome;
mod platform;
mod pool;
mod provisioned;
mod request;
mod variables;

pub use endpoint::{EndpointGuard, NoEndpoint, ServeEndpoint};
pub use engine::{InvokerOptions, InvokerParts};
pub use function::{Function, LogFormat, Logging, SharedFunction};
pub use invoker::Invoker;
pub use observer::Observe;
pub use pool::{FunctionConcurrency, Snapshot};
pub use provisioned::ProvisionedStatus;
pub use request::{FunctionError, Invocation, InvokeError, Outcome, Report, ThrottleReason};
pub use runtime_api::StreamPart;
