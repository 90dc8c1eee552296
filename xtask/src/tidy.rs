//! Rules that clippy cannot express: sizes, places, words, links.
#![expect(clippy::print_stdout, reason = "a command talks to its user")]

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::links;

/// No file that is written by hand may be longer.
const LINES_MAX: usize = 800;

/// Names that say nothing of what is inside.
const VAGUE: &[&str] = &["util", "utils", "common", "helpers", "manager", "misc"];

pub(crate) fn check(root: &Path) -> Result<()> {
    let listing = list(root, &["*.rs", "*.py", "*.mjs"])?;
    let mut wrong = check_links(root)?;
    let mut sizes = Vec::new();
    for file in listing.lines() {
        let path = Path::new(file);
        // A file that is deleted but not committed yet has no text.
        let Ok(text) = fs::read_to_string(root.join(path)) else { continue };
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if VAGUE.contains(&stem) {
            wrong.push(format!("{file}: the name says nothing of what is inside"));
        }
        if stem == "mod" {
            wrong.push(format!("{file}: write foo.rs beside foo/, not foo/mod.rs"));
        }
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("#[allow(") && !text.starts_with("// Generated") {
                wrong.push(format!("{file}:{}: #[expect] with a reason, not #[allow]", index + 1));
            }
        }
        if !text.starts_with("// Generated") {
            sizes.push((text.lines().count(), file));
        }
    }
    sizes.sort_unstable_by(|left, right| right.cmp(left));
    for (lines, file) in sizes.iter().filter(|(lines, _)| *lines > LINES_MAX) {
        wrong.push(format!("{file}: {lines} lines, the most is {LINES_MAX}"));
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    let largest: Vec<String> =
        sizes.iter().take(10).map(|(lines, file)| format!("{lines:>5} {file}")).collect();
    println!("tidy: {} files; the largest by hand:\n{}", sizes.len(), largest.join("\n"));
    Ok(())
}

fn check_links(root: &Path) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for page in list(root, &["*.md"])?.lines() {
        let Ok(text) = fs::read_to_string(root.join(page)) else { continue };
        wrong.extend(links::broken(root, page, &text));
    }
    Ok(wrong)
}

/// The files that belong to the repository, new ones included.
fn list(root: &Path, patterns: &[&str]) -> Result<String> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard", "--"];
    let listing = Command::new("git").args(arguments).args(patterns).current_dir(root).output()?;
    String::from_utf8(listing.stdout).context("git ls-files")
}
