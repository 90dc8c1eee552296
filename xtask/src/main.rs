//! The project's own commands: `cargo xtask <command>`.

mod check;
mod codegen;
mod command_line;
mod coverage;
mod layers;
mod links;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All that must hold before a commit: format, generated files, layers, sizes, lints, tests.
    Check,
    /// Run every test, installing the clients that the end-to-end tests use.
    Test {
        /// Install nothing: tests whose clients are missing are skipped, and it is said which.
        #[arg(long)]
        no_install: bool,
        /// Only the tests in Rust.
        #[arg(long)]
        rust_only: bool,
    },
    /// Measure: build in release and run the benchmark, whose options may follow (`-- --quick warm`).
    Bench {
        /// Passed on.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Generate the api crates from the models.
    Codegen {
        /// Only compare: fail when what is committed is not what would be generated.
        #[arg(long)]
        check: bool,
    },
    /// Write the table of operations into the docs.
    Coverage {
        /// Only compare.
        #[arg(long)]
        check: bool,
    },
    /// Write the help of every command into the docs.
    #[command(name = "command-line")]
    Usage {
        /// Only compare.
        #[arg(long)]
        check: bool,
    },
    /// Check that imports point downwards only.
    Layers,
    /// Check sizes, names, words and links.
    Tidy,
    /// Take a service's model over from an unpacked botocore, without its prose.
    Model {
        /// The folder's name under `models`, such as `sqs`.
        name: String,
        /// botocore's `service-2.json` of the service.
        file: PathBuf,
    },
}

#[expect(clippy::print_stderr, reason = "a command talks to its user")]
fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Check => check::all(root()),
        Command::Test { no_install, rust_only } => test::all(root(), !no_install, rust_only),
        Command::Bench { options } => bench(&options),
        Command::Codegen { check } => codegen::generate(root(), check),
        Command::Coverage { check } => coverage::write(root(), check),
        Command::Usage { check } => command_line::write(root(), check),
        Command::Layers => layers::check(root()),
        Command::Tidy => tidy::check(root()),
        Command::Model { name, file } => codegen::import(root(), &name, &file),
    }
}

fn bench(options: &[String]) -> Result<()> {
    check::run(root(), "cargo", &["build", "--release", "--package", "lambent", "--package", "bench"])?;
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    check::run(root(), "target/release/bench", &options)
}

/// The repository's root.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
