//! An import may only point down.
#![expect(clippy::print_stdout, reason = "a command talks to its user")]

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The layers from the bottom up; crates of one layer do not know each other. `ARCHITECTURE.md` explains them.
const LAYERS: &[&[&str]] = &[
    &["clock", "ids", "tasks"],
    &["wire"],
    &["api-lambda", "api-logs", "api-iam", "api-sts", "api-sqs", "api-sns", "api-cloudwatch", "api-kinesis"],
    &["store", "packages", "runtimes", "event-pattern"],
    &["targets"],
    &["sandbox", "auth", "queue", "stream"],
    &["runtime-api"],
    &["invoker", "delivery", "event-source"],
    &["lambda", "sqs", "sns", "kinesis", "cloudwatch", "logs", "iam", "metering", "trace"],
    &["gateway"],
    &["admin"],
    &["server"],
    &["lambent"],
];

/// For development only: nothing of the product may use them.
const TOOLS: &[&str] = &["api-codegen", "xtask", "bench", "simulator"];

pub(crate) fn check(root: &Path) -> Result<()> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let mut wrong = Vec::new();
    let packages = metadata["packages"].as_array().context("no packages")?;
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        if TOOLS.contains(&name) {
            continue;
        }
        let Some(layer) = layer_of(name) else {
            wrong.push(format!("{name} has no layer: add it to xtask/src/layers.rs and ARCHITECTURE.md"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            // Tests may reach anywhere.
            if dependency["path"].is_null() || !dependency["kind"].is_null() {
                continue;
            }
            let used = dependency["name"].as_str().unwrap_or_default();
            if layer_of(used).is_none_or(|below| below >= layer) {
                wrong.push(format!("{name} uses {used}, which is not below it"));
            }
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    println!("layers: {} crates import downwards only", packages.len());
    Ok(())
}

fn layer_of(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}
