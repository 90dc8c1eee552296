//! Where an interpreter is installed, and which of that a function must see.
//!
//! As little as possible: an interpreter may lie below somebody's home directory.

use std::fs;
use std::path::{Path, PathBuf};

/// Seen by every function, so that nothing below needs a bind of its own.
pub(crate) const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// Something of the function's own is mounted over these, so an installation below them is shown elsewhere.
const COVERED: &[&str] = &["/opt", "/tmp", "/proc", "/dev", "/etc", "/var/task", "/var/runtime"];

/// Where AWS's runtimes are; extensions and layers are written for that.
pub(crate) const VAR_LANG: &str = "/var/lang";

/// Package stores, whose packages refer to each other.
const STORES: &[&str] = &["/nix/store", "/gnu/store", "/home/linuxbrew/.linuxbrew"];

/// An interpreter as a function sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installation {
    /// Its program's path inside.
    pub(crate) program: PathBuf,
    /// What must be shown, and where.
    pub(crate) binds: Vec<(PathBuf, PathBuf)>,
    /// The directory inside that holds its `bin`.
    pub(crate) prefix: PathBuf,
}

impl Installation {
    /// Finds the installation that `interpreter` belongs to.
    pub(crate) fn of(interpreter: &Path) -> Self {
        let real = fs::canonicalize(interpreter).unwrap_or_else(|_| interpreter.to_path_buf());
        let mut binds = binds_of(&real);
        // A virtual environment is found through the link's own path. It names the installation it belongs to,
        // which is where the link leads.
        let named = prefix_of(interpreter).filter(|prefix| prefix.join("pyvenv.cfg").is_file());
        let entry = match &named {
            Some(prefix) => {
                binds.extend([(prefix.clone(), shown_at(prefix))]);
                interpreter
            }
            None => &real,
        };
        binds.retain(|(source, _)| !SYSTEM.iter().any(|system| source.starts_with(system)));
        let prefix = prefix_of(entry).unwrap_or_else(|| PathBuf::from("/usr"));
        let inside = shown_at(&prefix);
        let program =
            entry.strip_prefix(&prefix).map_or_else(|_| entry.to_path_buf(), |rest| inside.join(rest));
        Self { program, binds, prefix: inside }
    }
}

fn binds_of(program: &Path) -> Vec<(PathBuf, PathBuf)> {
    let Some(prefix) = prefix_of(program) else { return Vec::new() };
    let inside = shown_at(&prefix);
    if !is_shared(&prefix) {
        return vec![(prefix, inside)];
    }
    let in_prefix = |path: PathBuf| {
        let target = path.strip_prefix(&prefix).map(|rest| inside.join(rest)).ok()?;
        path.exists().then_some((path, target))
    };
    let parts = [program.to_path_buf(), prefix.join("lib"), prefix.join("lib64")];
    parts.into_iter().filter_map(in_prefix).collect()
}

/// The directory above `bin`; the whole store for a package of one.
fn prefix_of(program: &Path) -> Option<PathBuf> {
    if let Some(store) = STORES.iter().find(|store| program.starts_with(store)) {
        return Some(PathBuf::from(store));
    }
    let directory = program.parent()?;
    let is_bin = directory.file_name().is_some_and(|name| name == "bin" || name == "sbin");
    Some(if is_bin { directory.parent()? } else { directory }.to_path_buf())
}

/// Whether more than one installation is likely to be there: a home directory with a `bin`, or `/opt` itself.
fn is_shared(prefix: &Path) -> bool {
    let depth = prefix.components().count();
    let is_home = depth == 3 && prefix.starts_with("/home");
    depth <= 2 || is_home || prefix.ends_with(".local")
}

fn shown_at(prefix: &Path) -> PathBuf {
    let covered = COVERED.iter().any(|path| prefix.starts_with(path));
    if covered { PathBuf::from(VAR_LANG) } else { prefix.to_path_buf() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_directory_is_never_shown_whole() {
        for program in ["/root/bin/python3", "/home/someone/bin/node", "/home/someone/.local/bin/node"] {
            let installation = Installation::of(Path::new(program));
            let home = prefix_of(Path::new(program)).unwrap();
            assert!(installation.binds.iter().all(|(source, _)| *source != home), "{installation:?}");
        }
    }

    #[test]
    fn a_system_interpreter_needs_no_bind() {
        let installation = Installation::of(Path::new("/usr/bin/env"));
        assert_eq!((installation.binds.len(), installation.prefix), (0, PathBuf::from("/usr")));
    }

    #[test]
    fn what_would_be_covered_is_shown_at_var_lang() {
        let installation = Installation::of(Path::new("/opt/tools/python/bin/python3"));
        assert_eq!(installation.program, Path::new("/var/lang/bin/python3"));
        let bind = (PathBuf::from("/opt/tools/python"), PathBuf::from(VAR_LANG));
        assert_eq!(installation.binds, [bind]);
    }
}
