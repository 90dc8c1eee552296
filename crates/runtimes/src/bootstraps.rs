//! Our own clients of the Runtime API, and how an interpreter is started with them.

use std::io;
use std::path::Path;

/// Runs Python handlers. Its header says which variables it reads and how a zygote uses it.
pub const BOOTSTRAP_PY: &str = include_str!("bootstraps/bootstrap.py");

/// Runs Node.js handlers. Its header says which variables it reads and how a blank process is bound.
pub const BOOTSTRAP_MJS: &str = include_str!("bootstraps/bootstrap.mjs");

/// The file of [`BOOTSTRAP_PY`] in the runtime directory.
pub const BOOTSTRAP_PY_FILE: &str = "bootstrap.py";

/// The file of [`BOOTSTRAP_MJS`] in the runtime directory.
pub const BOOTSTRAP_MJS_FILE: &str = "bootstrap.mjs";

/// Python's options before the bootstrap's path: none of the host's or the user's site-packages (`-S`, `-s`;
/// starts faster, and a function sees only what it brings), no byte code written beside the code (`-B`).
pub const PYTHON_OPTIONS: &[&str] = &["-S", "-s", "-B"];

/// Node.js's options before the bootstrap's path.
pub const NODE_OPTIONS: &[&str] = &[];

/// Writes the bootstraps to `directory`, which functions see as `/var/runtime`. A file that is already as it
/// should be is left alone; another is replaced in one step, so that a start in between finds the old or the new.
///
/// # Errors
/// When the directory or a file cannot be written.
pub fn write_bootstraps(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    for (file, text) in [(BOOTSTRAP_PY_FILE, BOOTSTRAP_PY), (BOOTSTRAP_MJS_FILE, BOOTSTRAP_MJS)] {
        let path = directory.join(file);
        if std::fs::read(&path).is_ok_and(|present| present == text.as_bytes()) {
            continue;
        }
        let new = directory.join(format!(".{file}.{}", std::process::id()));
        std::fs::write(&new, text)?;
        std::fs::rename(&new, &path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outdated_bootstrap_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(BOOTSTRAP_PY_FILE), "old").unwrap();
        write_bootstraps(directory.path()).unwrap();
        write_bootstraps(directory.path()).unwrap();
        assert_eq!(std::fs::read_to_string(directory.path().join(BOOTSTRAP_PY_FILE)).unwrap(), BOOTSTRAP_PY);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}
