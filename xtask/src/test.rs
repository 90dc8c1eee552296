//! `cargo xtask test`: the tests in Rust, then the end-to-end tests with real clients.
#![expect(clippy::print_stdout, reason = "a command talks to its user")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::check::run;

pub(crate) fn all(root: &Path, install: bool, rust_only: bool) -> Result<()> {
    run(root, "cargo", &["test", "--workspace", "--quiet"])?;
    if rust_only {
        return Ok(());
    }
    run(root, "cargo", &["build", "--quiet", "--package", "lambent"])?;
    let clients = Clients { root: root.to_owned(), home: root.join("target/clients"), install };
    let missing = [clients.python()?, clients.aws_cli(), clients.javascript(), clients.java()];
    clients.run_pytest()?;
    for what in missing.into_iter().flatten() {
        println!("not tested here: {what}");
    }
    Ok(())
}

/// The clients of the end-to-end tests, kept below `target`.
struct Clients {
    root: PathBuf,
    home: PathBuf,
    install: bool,
}

impl Clients {
    /// boto3 and pytest in a virtual environment of their own.
    fn python(&self) -> Result<Option<String>> {
        let ready = succeeds(&self.venv("python"), &["-c", "import boto3, pytest, pyflakes, awslambdaric"]);
        if ready {
            return Ok(None);
        }
        ensure!(
            self.install,
            "boto3 and pytest are needed for the end-to-end tests: run without --no-install, or with --rust-only"
        );
        println!("installing boto3, pytest, pyflakes and awslambdaric from PyPI into target/clients/venv");
        run(&self.root, "python3", &["-m", "venv", "target/clients/venv"])?;
        let requirements = "tests/e2e/requirements.txt";
        let pip = self.venv("pip");
        run(&self.root, &pip, &["install", "--quiet", "--requirement", requirements])?;
        Ok(None)
    }

    /// The AWS CLI v2, as Debian packages it.
    fn aws_cli(&self) -> Option<String> {
        let is_v2 = |program: &str| {
            Command::new(program)
                .arg("--version")
                .output()
                .is_ok_and(|output| output.stdout.starts_with(b"aws-cli/2"))
        };
        if is_v2("/usr/bin/aws") || is_v2("aws") {
            return None;
        }
        if self.apt_install(&["awscli"]) && is_v2("/usr/bin/aws") {
            return None;
        }
        Some("the AWS CLI v2 (install it: apt-get install awscli)".to_owned())
    }

    /// The AWS SDK for JavaScript.
    fn javascript(&self) -> Option<String> {
        if self.home.join("js/node_modules/@aws-sdk/client-kinesis").exists() {
            return None;
        }
        if !succeeds("npm", &["--version"]) {
            return Some("the AWS SDK for JavaScript (Node.js and npm are not installed)".to_owned());
        }
        if !self.install {
            return Some("the AWS SDK for JavaScript (run without --no-install)".to_owned());
        }
        println!("installing the AWS SDK for JavaScript from npm into target/clients/js");
        let manifest = self.root.join("tests/e2e/js/package.json");
        let folder = self.home.join("js");
        let copied = std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::copy(manifest, folder.join("package.json")));
        let folder = folder.display().to_string();
        let arguments = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", &folder];
        (copied.is_err() || !succeeds("npm", &arguments))
            .then(|| "the AWS SDK for JavaScript (npm could not install it)".to_owned())
    }

    /// The AWS SDK for Java and the Kinesis Client Library, with a Java development kit.
    fn java(&self) -> Option<String> {
        let has_java = || succeeds("javac", &["--version"]);
        let folder = self.home.join("java");
        if has_java() && folder.exists() {
            return None;
        }
        if !self.install {
            return Some("the AWS SDK for Java (run without --no-install)".to_owned());
        }
        let has_maven = || succeeds("mvn", &["--version"]);
        if !has_java() || !has_maven() {
            self.apt_install(&["default-jdk-headless", "maven"]);
        }
        if !has_java() || !has_maven() {
            return Some(
                "the AWS SDK for Java (a Java development kit and Maven are not installed)".to_owned(),
            );
        }
        println!("installing the AWS SDK for Java with Maven into target/clients/java");
        // It is there when all of it is.
        let part = self.home.join("java.part");
        let manifest = self.root.join("tests/e2e/java/pom.xml").display().to_string();
        let output = format!("-DoutputDirectory={}", part.display());
        let goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", &output];
        let copied =
            succeeds("mvn", &[&["--batch-mode", "--quiet", "--file", &manifest][..], &goal].concat())
                && std::fs::rename(&part, &folder).is_ok();
        (!copied).then(|| "the AWS SDK for Java (Maven could not fetch it)".to_owned())
    }

    /// Installs packages of Debian, where that is allowed.
    fn apt_install(&self, packages: &[&str]) -> bool {
        if !self.install || !succeeds("apt-get", &["--version"]) || !succeeds("test", &["-w", "/usr/bin"]) {
            return false;
        }
        println!("installing: apt-get install {}", packages.join(" "));
        let _list_may_be_old = succeeds("apt-get", &["update", "--quiet"]);
        let recommended = ["install", "--yes", "--quiet", "--no-install-recommends"];
        succeeds("apt-get", &[&recommended[..], packages].concat())
    }

    fn venv(&self, program: &str) -> String {
        self.home.join("venv/bin").join(program).display().to_string()
    }

    fn run_pytest(&self) -> Result<()> {
        run(&self.root, &self.venv("python"), &["-m", "pyflakes", "tests", "examples"])?;
        run(&self.root, &self.venv("python"), &["-m", "pytest", "-q", "-rs", "tests/e2e"])
    }
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
