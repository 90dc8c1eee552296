//! What an operator can set, and what is known of a listener.

use std::time::Duration;

use auth::Defaults;

/// The gateway's limits and whom it trusts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names (without port) under which the server is addressed besides IP addresses, `localhost` and AWS's own.
    pub hosts: Vec<String>,
    /// Origins (`https://console.example:8443`) whose pages may call the API from a browser.
    pub browser_origins: Vec<String>,
    /// The largest request body.
    pub body_bytes_max: usize,
    /// The largest request head, request line included.
    pub head_bytes_max: u32,
    /// How long a client may take to send a head, and how long an idle connection is kept.
    pub head_timeout: Duration,
    /// How long a client may send nothing in the middle of a body.
    pub body_timeout: Duration,
    /// Connections open at once on one listener; more wait to be accepted.
    pub connections_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            browser_origins: Vec::new(),
            // Observed on AWS: "must be smaller than 70167211 bytes", a 50 MB deployment package in base64 and 256 KiB.
            body_bytes_max: 70_167_210,
            head_bytes_max: 64 << 10,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            connections_max: 4096,
        }
    }
}

/// Whose requests come in by a listener.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Account and region of requests that name none.
    pub defaults: Defaults,
    /// Which side of the sandbox they come from.
    pub side: Side,
}

/// Which side of the sandbox a listener is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Clients of the server: the API and the server's own paths.
    Host,
    /// Code in a sandbox: the API alone.
    Function,
}

/// From where a listener can be reached. Requests to [`crate::Local`] carry it as an extension: the server's own
/// paths are not signed, so what they allow has to depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From its own host alone.
    Loopback,
    /// From other hosts too.
    Network,
}
