//! The HTTP API that functions and extensions talk to.
//!
//! One [`Session`] serves one execution environment: the Runtime API (2018-06-01), the Extensions API
//! (2020-01-01) and the Telemetry API (2022-07-01), as the AWS Lambda developer guide documents them and as
//! AWS's own runtime interface emulator answers. Hand-written over `httparse`: this is the leg that every
//! invocation crosses, and the invoke is written straight into the socket of the waiting `/next`.
//!
//! What is on the other side may be hostile: heads, bodies and connections are bounded, and nothing it sends
//! can do more than fail its own environment.

mod answer;
mod body;
mod connection;
mod error_type;
mod extensions;
mod head;
mod route;
mod runtime;
mod session;
mod socket;
mod state;
mod telemetry;

pub use answer::{Answer, StreamPart};
pub use error_type::filter_error_type;
pub use session::{Event, InitFailure, Initialization, NotReady, Session, SessionConfig, ShutdownReason};
pub use telemetry::{TelemetryEvent, TelemetryKind, TelemetryReach};

/// The largest response of a function: 6 MiB and 100 bytes. Source: the runtime interface emulator's model.
pub const RESPONSE_MAX_BYTES: usize = 6_291_556;

/// The largest streamed response. Source: AWS Lambda developer guide, quotas.
pub const STREAM_MAX_BYTES: u64 = 200 * 1024 * 1024;
