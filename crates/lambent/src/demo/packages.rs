//! The deployment packages of the demo's functions.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use zip::write::SimpleFileOptions;

use crate::failure::Failure;

const FUNCTIONS: [(&str, &str, &str); 6] = [
    ("hello.zip", "hello.py", include_str!("../../functions/hello.py")),
    ("failing.zip", "failing.py", include_str!("../../functions/failing.py")),
    ("slow.zip", "slow.py", include_str!("../../functions/slow.py")),
    ("worker.zip", "worker.py", include_str!("../../functions/worker.py")),
    ("counter.zip", "counter.py", include_str!("../../functions/counter.py")),
    ("square.zip", "index.mjs", include_str!("../../functions/index.mjs")),
];

const BOOTSTRAP: &str = include_str!("../../functions/bootstrap.rs");

/// Used where there is no Rust compiler: the same in the shell, for the `curl` of the host.
const BOOTSTRAP_SH: &str = "#!/bin/bash
api=\"http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation\"
while true; do
  headers=$(mktemp)
  event=$(curl -sS -D \"$headers\" \"$api/next\")
  id=$(grep -i lambda-runtime-aws-request-id \"$headers\" | tr -d '[:space:]' | cut -d: -f2)
  curl -sS -o /dev/null -d \"{\\\"echo\\\":$event}\" \"$api/$id/response\"
done
";

/// Writes `hello.zip` and the others into `folder`.
pub(crate) fn write(folder: &Path) -> Result<(), Failure> {
    for (zip, file, text) in FUNCTIONS {
        pack(&folder.join(zip), file, text.as_bytes(), 0o644)?;
    }
    pack(&folder.join("echo.zip"), "bootstrap", &bootstrap(folder)?, 0o755)
}

/// A custom runtime, compiled here and now.
fn bootstrap(folder: &Path) -> Result<Vec<u8>, Failure> {
    let source = folder.join("bootstrap.rs");
    let program = folder.join("bootstrap");
    fs::write(&source, BOOTSTRAP)?;
    let compiled = Command::new("rustc")
        .args(["--edition", "2021", "-O", "-C", "strip=symbols", "-o"])
        .args([&program, &source])
        .output()
        .is_ok_and(|output| output.status.success());
    if compiled { Ok(fs::read(program)?) } else { Ok(BOOTSTRAP_SH.into()) }
}

fn pack(path: &Path, name: &str, content: &[u8], mode: u32) -> Result<(), Failure> {
    let mut zip = zip::ZipWriter::new(fs::File::create(path)?);
    zip.start_file(name, SimpleFileOptions::default().unix_permissions(mode))?;
    zip.write_all(content)?;
    zip.finish()?;
    Ok(())
}
