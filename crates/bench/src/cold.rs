//! Cold starts: with pools, and without.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::function::{Kind, settled};
use crate::http::Client;
use crate::report::Report;
use crate::server::Server;
use crate::statistics::Summary;
use crate::{Arguments, floor};

/// How long a pool is given to fill between two cold starts: the figure is that of a filled pool.
const REFILL: Duration = Duration::from_millis(300);

pub(crate) fn measure(arguments: &Arguments, report: &mut Report) -> Result<()> {
    eprintln!("cold starts");
    let scratch = tempfile::tempdir()?;
    for (kind, goal_ms) in [(Kind::Custom, 3), (Kind::Python, 3), (Kind::Node, 6)] {
        let rounds = arguments.rounds(100);
        let floor = floor::cold(kind, rounds.min(40), scratch.path())?;
        let pooled = series(&arguments.lambent, scratch.path(), kind, 4, rounds)?;
        let goal = Duration::from_millis(goal_ms);
        report.time(&format!("cold start from a pool, {}", kind.name()), pooled, Some(floor), Some(goal));
        let ratio = pooled.p99.as_secs_f64() / pooled.p50.as_secs_f64().max(1e-9);
        report.number(
            &format!("cold start from a pool, {}: p99 / p50", kind.name()),
            format!("{ratio:.1}"),
            "-",
            "<= 4",
            ratio <= 4.0,
        );
        let unpooled = series(&arguments.lambent, scratch.path(), kind, 0, rounds.min(40))?;
        let goal = floor.p50.mul_f64(1.3);
        report.time(
            &format!("cold start without a pool, {}", kind.name()),
            unpooled,
            Some(floor),
            Some(goal),
        );
    }
    Ok(())
}

fn series(program: &Path, scratch: &Path, kind: Kind, pool_size: usize, rounds: usize) -> Result<Summary> {
    let data = tempfile::tempdir_in(scratch)?;
    let server = Server::start(program, data.path(), pool_size)?;
    let mut client = server.client()?;
    kind.create(&mut client, "cold", scratch)?;
    client.invoke("cold")?;
    let mut series = Vec::new();
    for round in 0..rounds {
        make_cold(&mut client, round)?;
        if pool_size > 0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "a spinning wait would take the core that fills the pool"
            )]
            std::thread::sleep(REFILL);
        }
        series.push(client.invoke("cold")?);
    }
    server.stop()?;
    Ok(Summary::of(series))
}

/// A change of configuration makes every environment outdated.
fn make_cold(client: &mut Client, round: usize) -> Result<()> {
    let change = json!({ "Description": format!("round {round}"), "Environment": { "Variables": { "ROUND": round.to_string() } } });
    client.call("PUT", "/2015-03-31/functions/cold/configuration", &change)?;
    settled(client, "cold")
}
