//! Measures Lambent at its HTTP API, beside the floor of the same run: a bare process that answers the same
//! protocol without a sandbox and without a front door.
//!
//! Every figure is a median and a 99th percentile; every cold start says whether a pool was used.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod cold;
mod disk;
mod events;
mod floor;
mod function;
mod http;
mod load;
mod machine;
mod memory;
mod queues;
mod report;
mod server;
mod sources;
mod startup;
mod statistics;
mod streams;
mod warm;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use report::Report;

#[derive(Debug, Parser)]
#[command(about = "Measures Lambent beside its floor")]
struct Arguments {
    /// The server's program.
    #[arg(long, default_value = "target/release/lambent")]
    lambent: PathBuf,
    /// What to measure: warm, throughput, cold, memory, startup, queues, events, sources, streams; all by default.
    only: Vec<String>,
    /// Fewer rounds, to see that everything works.
    #[arg(long)]
    quick: bool,
    /// Environments for the figure of idle memory.
    #[arg(long, default_value_t = 1000)]
    environments: usize,
    /// Functions stored for the figure of the start-up.
    #[arg(long, default_value_t = 10_000)]
    functions: usize,
    /// Events for the figures of a backlog.
    #[arg(long, default_value_t = 1_000_000)]
    events: usize,
    /// Messages that pass through a queue between two measurements of its speed.
    #[arg(long, default_value_t = 5_000_000)]
    messages: usize,
    /// Another server of the same API, to measure its queues in the same run: NAME=HOST:PORT.
    #[arg(long = "peer")]
    peers: Vec<String>,
    /// Another server of Kinesis's API, to measure its streams in the same run: NAME=HOST:PORT.
    #[arg(long = "stream-peer")]
    stream_peers: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn wants(&self, what: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == what)
    }

    fn rounds(&self, full: usize) -> usize {
        if self.quick { full.div_ceil(10) } else { full }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let mut report = Report::new(machine::describe());
    if arguments.wants("warm") {
        warm::measure(arguments, &mut report)?;
    }
    if arguments.wants("throughput") {
        warm::throughput(arguments, &mut report)?;
    }
    if arguments.wants("cold") {
        cold::measure(arguments, &mut report)?;
    }
    if arguments.wants("memory") {
        memory::measure(arguments, &mut report)?;
    }
    if arguments.wants("startup") {
        startup::measure(arguments, &mut report)?;
    }
    if arguments.wants("queues") {
        queues::measure(arguments, &mut report)?;
    }
    if arguments.wants("events") {
        events::measure(arguments, &mut report)?;
    }
    if arguments.wants("sources") {
        sources::measure(arguments, &mut report)?;
    }
    if arguments.wants("streams") {
        streams::measure(arguments, &mut report)?;
    }
    if arguments.json {
        println!("{}", report.json())
    } else {
        println!("{}", report.table())
    }
    Ok(())
}
