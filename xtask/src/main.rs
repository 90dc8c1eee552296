//! The project's own commands: `cargo xtask <command>`.

mod check;
mod codegen;
mod coverage;
mod layers;
mod test;
mod tidy;

use std::path::{Path, PathBuf};

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
    /// Check that imports point downwards only.
    Layers,
    /// Check sizes, names and words.
    Tidy,
    /// Take a service's model over from an unpacked botocore, without its prose.
    Model {
        /// The folder's name under `models`, such as `sqs`.
        name: String,
        /// botocore's `service-2.json` of the service.
        file: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Check => check::all(root()),
        Command::Test { no_install, rust_only } => test::all(root(), !no_install, rust_only),
        Command::Codegen { check } => codegen::generate(root(), check),
        Command::Coverage { check } => coverage::write(root(), check),
        Command::Layers => layers::check(root()),
        Command::Tidy => tidy::check(root()),
        Command::Model { name, file } => codegen::import(root(), &name, &file),
    }
}

/// The repository's root.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
