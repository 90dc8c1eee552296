//! Warm invocations: how much Lambent adds, and how many a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow};
use clock::Stopwatch;

use crate::function::Kind;
use crate::report::Report;
use crate::server::Server;
use crate::statistics::Summary;
use crate::{Arguments, floor};

pub(crate) fn measure(arguments: &Arguments, report: &mut Report) -> Result<()> {
    eprintln!("warm invocations, one after the other");
    let scratch = tempfile::tempdir()?;
    let server = Server::start(&arguments.lambent, &scratch.path().join("data"), 4)?;
    let mut client = server.client()?;
    let rounds = arguments.rounds(5_000);
    for (kind, goal_us) in [(Kind::Custom, 150), (Kind::Python, 220), (Kind::Node, 300)] {
        kind.create(&mut client, "warm", scratch.path())?;
        for _ in 0..rounds.min(500) {
            client.invoke("warm")?;
        }
        let series: Result<Vec<Duration>> = (0..rounds).map(|_| client.invoke("warm")).collect();
        let floor = floor::warm(kind, rounds, scratch.path())?;
        let goal = Duration::from_micros(goal_us);
        report.time(&format!("warm invoke, {}", kind.name()), Summary::of(series?), Some(floor), Some(goal));
        client.call("DELETE", "/2015-03-31/functions/warm", &serde_json::Value::Null)?;
    }
    server.stop()
}

pub(crate) fn throughput(arguments: &Arguments, report: &mut Report) -> Result<()> {
    eprintln!("warm invocations, many at once");
    let scratch = tempfile::tempdir()?;
    let server = Server::start(&arguments.lambent, &scratch.path().join("data"), 4)?;
    Kind::Custom.create(&mut server.client()?, "many", scratch.path())?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let clients = cores * 4;
    let per_client = arguments.rounds(20_000) / clients;
    let done = Arc::new(AtomicUsize::new(0));
    let mut connections = Vec::new();
    for _ in 0..clients {
        let mut client = server.client()?;
        client.invoke("many")?;
        connections.push(client);
    }
    let watch = Stopwatch::start();
    let threads: Vec<_> = connections
        .into_iter()
        .map(|mut client| {
            let done = Arc::clone(&done);
            std::thread::spawn(move || -> Result<()> {
                for _ in 0..per_client {
                    client.invoke("many")?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| anyhow!("a client panicked"))??;
    }
    let seconds = watch.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
    let per_core = done.load(Ordering::Relaxed) as f64 / seconds / cores as f64;
    report.number(
        &format!("warm invokes per second and core, custom runtime, {clients} clients on this machine"),
        format!("{per_core:.0}/s"),
        "-",
        ">= 10000/s",
        per_core >= 10_000.0,
    );
    server.stop()
}
