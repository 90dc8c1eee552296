//! The functions that are measured: each returns its event, as it is or in a wrapper.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clock::Stopwatch;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use crate::http::Client;

/// A change that takes longer will never be done.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// A kind of function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A Rust program that speaks the Runtime API.
    Custom,
    Python,
    Node,
    /// Python that returns the moment at which its handler started, in microseconds.
    Stamp,
    /// Python that tells a queue when its handler started, and with what.
    Relay,
    /// Python that takes almost as long as a function may.
    Slow,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Custom => "custom runtime (Rust)",
            Self::Python | Self::Stamp | Self::Relay | Self::Slow => "Python",
            Self::Node => "Node.js",
        }
    }

    fn runtime(self) -> &'static str {
        match self {
            Self::Custom => "provided.al2023",
            Self::Python | Self::Stamp | Self::Relay | Self::Slow => "python3.11",
            Self::Node => "nodejs20.x",
        }
    }

    /// Its file's name, content and mode.
    fn file(self, scratch: &Path) -> Result<(&'static str, Vec<u8>, u32)> {
        Ok(match self {
            Self::Custom => ("bootstrap", fs::read(compile(scratch)?)?, 0o755),
            Self::Python => ("index.py", include_bytes!("../functions/index.py").to_vec(), 0o644),
            Self::Stamp => ("index.py", include_bytes!("../functions/stamp.py").to_vec(), 0o644),
            Self::Relay => ("index.py", include_bytes!("../functions/relay.py").to_vec(), 0o644),
            Self::Slow => ("index.py", include_bytes!("../functions/slow.py").to_vec(), 0o644),
            Self::Node => ("index.mjs", include_bytes!("../functions/index.mjs").to_vec(), 0o644),
        })
    }

    /// Its package, in base64.
    pub(crate) fn package(self, scratch: &Path) -> Result<String> {
        let (name, content, mode) = self.file(scratch)?;
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(name, SimpleFileOptions::default().unix_permissions(mode))?;
        zip.write_all(&content)?;
        Ok(STANDARD.encode(zip.finish()?.into_inner()))
    }

    /// Creates a function of this kind and waits until it can be invoked.
    pub(crate) fn create(self, client: &mut Client, name: &str, scratch: &Path) -> Result<()> {
        let request = json!({
            "FunctionName": name,
            "Runtime": self.runtime(),
            "Handler": "index.handler",
            "Role": "arn:aws:iam::111111111111:role/bench",
            // One whole CPU: with less, what is measured is how long a function waits for its share.
            "MemorySize": 1769,
            "Timeout": 900,
            "Code": { "ZipFile": self.package(scratch)? },
        });
        client.call("POST", "/2015-03-31/functions", &request)?;
        settled(client, name)
    }
}

/// Waits until no change of the function is under way.
pub(crate) fn settled(client: &mut Client, name: &str) -> Result<()> {
    let watch = Stopwatch::start();
    while watch.elapsed() < SETTLED_WITHIN {
        let path = format!("/2015-03-31/functions/{name}/configuration");
        let found = client.call("GET", &path, &Value::Null)?;
        if found["State"] == "Active" && found["LastUpdateStatus"] != "InProgress" {
            return Ok(());
        }
    }
    anyhow::bail!("{name} does not become active")
}

/// The bare Rust runtime, compiled once.
pub(crate) fn compile(scratch: &Path) -> Result<PathBuf> {
    let program = scratch.join("bootstrap");
    if !program.exists() {
        let source = scratch.join("bootstrap.rs");
        fs::write(&source, include_str!("../../lambent/functions/bootstrap.rs"))?;
        let status = Command::new("rustc")
            .args(["--edition", "2021", "-O", "-C", "strip=symbols", "-o"])
            .args([&program, &source])
            .status()
            .context("rustc is needed")?;
        ensure!(status.success(), "rustc refuses the bootstrap");
    }
    Ok(program)
}
