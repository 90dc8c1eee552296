//! `cargo xtask check`: the one loop before a commit.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{codegen, command_line, coverage, layers, test, tidy};

pub(crate) fn all(root: &Path) -> Result<()> {
    run(root, "cargo", &["fmt", "--all", "--check"])?;
    codegen::generate(root, true)?;
    coverage::write(root, true)?;
    command_line::write(root, true)?;
    layers::check(root)?;
    tidy::check(root)?;
    run(root, "cargo", &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])?;
    test::all(root, true, false)
}

/// Runs a program in `root` and fails when it does.
pub(crate) fn run(root: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .status()
        .with_context(|| format!("{program} cannot be started"))?;
    ensure!(status.success(), "failed: {program} {}", arguments.join(" "));
    Ok(())
}
