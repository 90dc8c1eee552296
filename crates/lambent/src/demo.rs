//! `lambent demo`: the main job, from nothing to a bill, with a real AWS client.

mod client;
mod packages;
mod steps;

use std::process::ExitCode;

use server::Server;

use crate::arguments::{Arguments, DemoOptions};
use crate::failure::Failure;
use crate::serve;
use crate::terminal::{paint, say};
use client::Client;
use steps::Walk;

pub(crate) fn run(options: &DemoOptions) -> Result<ExitCode, Failure> {
    let client = Client::find(options.aws.as_deref())?;
    let folder = tempfile::tempdir()?;
    // A free port, and the rest as `lambent serve` has it.
    let mut serving = <Arguments as clap::Parser>::parse_from(["lambent", "--listen", "127.0.0.1:0"]).serve;
    serving.sandbox = options.sandbox;
    // Retries take minutes: the demo turns the clock.
    serving.clock = crate::arguments::ClockKind::Virtual;
    let server_options = serve::server_options(&serving, folder.path().join("data"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let server = runtime.block_on(Server::start(server_options)).map_err(serve::failure)?;
    say(&format!("Lambent runs at {}, isolation: {}", server.endpoint(), server.isolation().level));
    let mut walk = Walk::new(client, server.endpoint(), folder.path())?;
    let result = walk.all_steps();
    runtime.block_on(server.drain());
    result?;
    say(&format!("\n{} Every step did what it says.", paint("1;32", "Done.")));
    Ok(ExitCode::SUCCESS)
}
