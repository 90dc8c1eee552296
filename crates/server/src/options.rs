//! What an operator decides.

use std::net::SocketAddr;
use std::path::PathBuf;

use auth::{AccessKey, Mode};
use ids::{AccountId, Region};

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The region of requests that name none.
    pub region: Region,
    /// The account of requests that name none.
    pub account: AccountId,
    /// Who may do anything.
    pub authentication: Authentication,
    /// Time stands still until it is advanced.
    pub virtual_clock: bool,
    /// Functions run as plain processes even where the host could do better.
    pub process_sandbox: bool,
    /// Functions reach everything that the host reaches.
    pub host_network: bool,
    /// How many environments of each kind are kept ready.
    pub pool_size: usize,
    /// A runtime whose exact version is not on the host is refused.
    pub strict_runtimes: bool,
    /// The operator's environment, in which interpreters are looked for.
    pub variables: Vec<(String, String)>,
}

impl Options {
    /// How much a request has to prove.
    pub(crate) fn mode(&self) -> Mode {
        match self.authentication {
            Authentication::Off => Mode::Off,
            Authentication::SigV4(_) => Mode::Strict,
        }
    }
}

/// Who may do anything.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// Anyone who reaches the server.
    Off,
    /// Who signs with one of these keys, or with credentials that were issued here.
    SigV4(Vec<(String, AccessKey)>),
}
