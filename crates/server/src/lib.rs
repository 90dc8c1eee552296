//! The composition root: builds every part, fills every port, and owns start, drain and stop.
//!
//! Nothing is optional in here: a part that is missing fails at start, never at the first event.

mod endpoint;
mod isolation;
mod options;
mod server;
mod services;

pub use isolation::probe_isolation;
pub use options::{Authentication, Options};
pub use server::{Server, StartError};
