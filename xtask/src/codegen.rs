//! `cargo xtask codegen` and `cargo xtask model`.
#![expect(clippy::print_stdout, reason = "a command talks to its user")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// Writes the generated files, or compares them with what is there.
pub(crate) fn generate(root: &Path, check: bool) -> Result<()> {
    let mut files = BTreeMap::new();
    for source in api_codegen::sources(root)? {
        for (path, text) in api_codegen::generate(&source)? {
            files.insert(path, format(&text)?);
        }
    }
    let mut stale = Vec::new();
    for (path, text) in &files {
        let full = root.join(path);
        if fs::read_to_string(&full).is_ok_and(|present| present == *text) {
            continue;
        }
        stale.push(path.as_str());
        if !check {
            fs::write(&full, text).with_context(|| full.display().to_string())?;
        }
    }
    if check && !stale.is_empty() {
        bail!("not what `cargo xtask codegen` would generate: {}", stale.join(", "));
    }
    println!("{} generated files, {} {}", files.len(), stale.len(), if check { "stale" } else { "written" });
    Ok(())
}

fn format(text: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config", "max_width=110,use_small_heuristics=Max"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("rustfmt is needed: rustup component add rustfmt")?;
    let mut input = rustfmt.stdin.take().context("rustfmt takes no input")?;
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = rustfmt.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("writing to rustfmt panicked"))??;
    ensure!(output.status.success(), "rustfmt refuses the generated code");
    Ok(String::from_utf8(output.stdout)?)
}

/// Trims a model and stores it.
pub(crate) fn import(root: &Path, name: &str, file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut model: serde_json::Value = serde_json::from_str(&text)?;
    api_codegen::trim(&mut model);
    let folder = root.join("models").join(name);
    fs::create_dir_all(&folder)?;
    let mut trimmed = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b" ");
    serde::Serialize::serialize(&model, &mut serde_json::Serializer::with_formatter(&mut trimmed, indent))?;
    trimmed.push(b'\n');
    fs::write(folder.join("model.json"), trimmed)?;
    println!("models/{name}/model.json written; now say in overlay.toml what is implemented");
    Ok(())
}
