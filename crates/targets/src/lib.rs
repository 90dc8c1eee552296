//! What services and the engine may ask of each other.
//!
//! Services never import one another: each asks through a port defined here, and `server` fills one complete
//! set of ports before the listener opens.

mod credentials;
mod logs;
mod usage;

pub use credentials::{Credentials, VendCredentials};
pub use logs::{LogLine, LogStream, WriteLogs};
pub use usage::{RecordUsage, Usage};
