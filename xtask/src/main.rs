//! The project's own commands: `cargo xtask <command>`.

mod codegen;

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
    /// Generate the api crates from the models.
    Codegen {
        /// Only compare: fail when what is committed is not what would be generated.
        #[arg(long)]
        check: bool,
    },
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
        Command::Codegen { check } => codegen::generate(root(), check),
        Command::Model { name, file } => codegen::import(root(), &name, &file),
    }
}

/// The repository's root.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
