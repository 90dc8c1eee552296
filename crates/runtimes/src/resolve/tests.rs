//! Made-up hosts: shell scripts that answer as interpreters do.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

struct Host {
    home: TempDir,
}

impl Host {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// Puts an interpreter at `path` below the home directory.
    fn install(&self, path: &str, version: &str) -> PathBuf {
        let file = self.home.path().join(path);
        let program = file.display();
        self.write(
            path,
            &format!("echo asked >> {program}.log; echo {version}; echo {program}; echo /prefix"),
        );
        file
    }

    fn write(&self, path: &str, script: &str) {
        let file = self.home.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn interpreters(&self) -> Interpreters {
        let home = self.home.path().display().to_string();
        Interpreters::new([
            ("PATH".to_owned(), format!("{home}/shims:{home}/bin")),
            ("HOME".to_owned(), home),
        ])
    }
}

fn runtime(name: &str) -> &'static Runtime {
    Runtime::find(name).unwrap()
}

#[test]
fn the_exact_version_is_found_wherever_a_version_manager_keeps_it() {
    for (path, name) in [
        ("bin/python3.10", "python3.10"),
        (".pyenv/versions/3.10.13/bin/python3", "python3.10"),
        (".local/share/uv/python/cpython-3.10.2-linux-x86_64-gnu/bin/python3", "python3.10"),
        (".asdf/installs/python/3.10.1/bin/python3", "python3.10"),
        (".nvm/versions/node/v18.2.0/bin/node", "nodejs18.x"),
        (".local/share/fnm/node-versions/v18.2.0/installation/bin/node", "nodejs18.x"),
        (".local/share/mise/installs/node/18.2.0/bin/node", "nodejs18.x"),
        (".volta/tools/image/node/18.2.0/bin/node", "nodejs18.x"),
    ] {
        let host = Host::new();
        let version = if name.starts_with('p') { "3.10.99" } else { "18.99.0" };
        let file = host.install(path, version);
        let found = host.interpreters().resolve(runtime(name), true).unwrap();
        assert_eq!((&found.path, found.version.as_str(), found.exact), (&file, version, true), "{path}");
        assert_eq!(found.prefixes, [PathBuf::from("/prefix")]);
        assert_eq!(found.warning, None);
    }
}

#[test]
fn the_nearest_newer_version_stands_in_with_a_warning_but_not_when_strict() {
    let host = Host::new();
    // Newer than any on this machine, so that only these count.
    host.install(".pyenv/versions/3.24.1/bin/python3", "3.24.1");
    let nearest = host.install(".pyenv/versions/3.20.3/bin/python3", "3.20.3");
    host.install(".pyenv/versions/3.1.9/bin/python3", "3.1.9");
    let interpreters = host.interpreters();
    let wanted = Runtime { name: "python3.18", kind: Kind::Python { minor: 18 }, deprecated: false };

    let found = interpreters.resolve(&wanted, false).unwrap();
    assert_eq!((found.path, found.exact), (nearest.clone(), false));
    let warning = found.warning.unwrap();
    assert!(warning.starts_with("The runtime python3.18 asks for Python 3.18"), "{warning}");
    assert!(warning.contains(&format!("Python 3.20.3 ({})", nearest.display())), "{warning}");

    let error = interpreters.resolve(&wanted, true).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "Python 3.18 for the runtime python3.18 is not installed on this host; found: 3.24.1"
        )
    );
}

#[test]
fn an_older_version_never_stands_in() {
    let host = Host::new();
    host.install("bin/python3", "3.23.0");
    let wanted = Runtime { name: "python3.24", kind: Kind::Python { minor: 24 }, deprecated: false };
    let error = host.interpreters().resolve(&wanted, false).unwrap_err().to_string();
    assert!(error.contains("nor a newer version; found: 3.23.0"), "{error}");
}

#[test]
fn a_shim_counts_as_what_it_runs_and_a_failing_one_as_nothing() {
    let host = Host::new();
    let real = host.install("real/python3", "3.20.1");
    host.write("shims/python3.19", "echo 'pyenv: python3.19: command not found'; exit 127");
    host.write("shims/python3", &format!("exec {}", real.display()));
    let wanted = |minor| Runtime { name: "python", kind: Kind::Python { minor }, deprecated: false };
    assert_eq!(host.interpreters().resolve(&wanted(20), true).unwrap().path, real);
    assert_eq!(host.interpreters().resolve(&wanted(19), false).unwrap().version, "3.20.1");
}

#[test]
fn an_interpreter_is_asked_once_until_it_changes() {
    let host = Host::new();
    let file = host.install(".pyenv/versions/3.20.1/bin/python3", "3.20.1");
    let interpreters = host.interpreters();
    let wanted = Runtime { name: "python3.20", kind: Kind::Python { minor: 20 }, deprecated: false };
    let asked = || std::fs::read_to_string(format!("{}.log", file.display())).unwrap().lines().count();
    for _ in 0..3 {
        interpreters.resolve(&wanted, true).unwrap();
    }
    assert_eq!(asked(), 1);
    host.install(".pyenv/versions/3.20.1/bin/python3", "3.20.1111");
    assert_eq!(interpreters.resolve(&wanted, true).unwrap().version, "3.20.1111");
    assert_eq!(asked(), 2);
}

#[test]
fn runtimes_without_an_interpreter_are_told_apart() {
    let interpreters = Host::new().interpreters();
    assert!(matches!(interpreters.resolve(runtime("provided.al2023"), false), Err(ResolveError::Custom(_))));
    assert!(matches!(interpreters.resolve(runtime("java21"), false), Err(ResolveError::Missing(_))));
}

#[test]
fn the_list_has_each_interpreter_once_and_the_newest_first() {
    let host = Host::new();
    let new = host.install(".pyenv/versions/3.24.10/bin/python3", "3.24.10");
    let old = host.install(".pyenv/versions/3.24.9/bin/python3", "3.24.9");
    host.write("shims/python3", &format!("exec {}", old.display()));
    let listed: Vec<PathBuf> = host.interpreters().list().into_iter().map(|found| found.path).collect();
    assert_eq!(listed[..2], [new, old.clone()]);
    assert_eq!(listed.iter().filter(|path| **path == old).count(), 1);
}

#[test]
fn a_real_interpreter_tells_its_standard_library() {
    let found = Interpreters::new([]).list().into_iter().find(|found| found.language == Language::Python);
    let Some(found) = found else {
        eprintln!("SKIPPED: there is no Python on this host");
        return;
    };
    assert!(found.path.is_file());
    let has_library = |prefix: &PathBuf| found.path.starts_with(prefix);
    assert!(found.prefixes.iter().any(has_library), "{found:?}");
}
