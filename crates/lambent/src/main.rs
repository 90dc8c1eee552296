//! The `lambent` command line: reads the arguments and the environment, and calls the part that does the work.

mod arguments;
mod aws;
mod clock_command;
mod cost;
mod demo;
mod doctor;
mod endpoint;
mod environment;
mod events;
mod failure;
mod moment;
mod outbox;
mod replay;
mod serve;
mod story;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    // The sandbox's launcher is this same program: it must be small and single-threaded, so it goes its own way
    // before anything else is started.
    sandbox::launcher::main_if_requested();
    run(Arguments::parse()).unwrap_or_else(|failure| {
        terminal::error(&failure);
        ExitCode::FAILURE
    })
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.command.unwrap_or(Command::Serve(arguments.serve)) {
        Command::Serve(options) => serve::run(options),
        Command::Env(options) => environment::print(&options),
        Command::Aws(options) => aws::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Cost(options) => cost::run(&options),
        Command::Clock(options) => clock_command::run(&options),
        Command::Trace(options) => story::run(&options),
        Command::Events(options) => events::run(&options),
        Command::Replay(options) => replay::run(&options),
        Command::Outbox(options) => outbox::run(&options),
        Command::Demo(options) => demo::run(&options),
    }
}
