//! A server of its own for each measurement.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clock::Stopwatch;

use crate::http::Client;

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: String,
    /// From the start of the process to the line that says it is ready.
    pub(crate) ready_after: Duration,
}

/// The account of the benchmark's functions.
pub(crate) const ACCOUNT: &str = "111111111111";

impl Server {
    /// Starts a server with a pool of this size.
    pub(crate) fn start(program: &Path, data_dir: &Path, pool_size: usize) -> Result<Self> {
        let watch = Stopwatch::start();
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(["--pool-size", &pool_size.to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{}: build it with cargo build --release", program.display()))?;
        let mut lines = BufReader::new(child.stderr.take().context("no standard error")?);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let ready_after = watch.elapsed();
        let Some((_, address)) = line.trim_end().split_once("http://") else {
            lines.read_to_string(&mut line)?;
            bail!("the server does not start: {line}");
        };
        let address = address.to_owned();
        // What it says later must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Ok(Self { child, address, ready_after })
    }

    pub(crate) fn client(&self) -> Result<Client> {
        self.client_of(ACCOUNT)
    }

    pub(crate) fn client_of(&self, account: &str) -> Result<Client> {
        Client::connect(&self.address, account)
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as an operator would.
    pub(crate) fn stop(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_reaped = self.child.wait();
    }
}
