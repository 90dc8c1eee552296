//! Asynchronous invocation: how fast events are accepted, how soon they run, and what a backlog costs.

use std::time::Duration;

use anyhow::{Context, Result};
use clock::{Clock, Stopwatch, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::function::Kind;
use crate::memory::{mib, resident_kib};
use crate::queues::{self, CLIENTS};
use crate::report::Report;
use crate::server::{ACCOUNT, Server};
use crate::statistics::Summary;
use crate::{Arguments, disk, load};

const EVENT: &str = "{\"key\":\"value\"}";

pub(crate) fn measure(arguments: &Arguments, report: &mut Report) -> Result<()> {
    eprintln!("asynchronous invocations");
    accept(arguments, report)?;
    start(arguments, report)?;
    backlog(arguments, report)
}

/// The 202, one after the other and from many clients.
fn accept(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let server = Server::start(&arguments.lambent, &scratch.path().join("data"), 4)?;
    let mut client = server.client()?;
    parked(&mut client, scratch.path())?;
    let rounds = arguments.rounds(2_000);
    let commit = queues::group_commit(&mut client, rounds)?;
    let series: Result<Vec<Duration>> = (0..rounds).map(|_| client.invoke_event("slow", EVENT)).collect();
    let floor = disk::append_and_sync(scratch.path(), 256, rounds)?;
    let goal = commit.p50.mul_f64(1.5);
    report.time("one group commit (CreateQueue's attributes written)", commit, Some(floor), None);
    report.time("async invoke accepted, one client", Summary::of(series?), Some(floor), Some(goal));

    let connections = (0..CLIENTS).map(|_| server.client()).collect::<Result<_>>()?;
    let rate = load::rate(connections, arguments.rounds(200_000), |client, _| {
        client.invoke_event("slow", EVENT).map(drop)
    })?;
    report.number(
        &format!("async invokes accepted a second, {CLIENTS} clients on this machine"),
        format!("{rate:.0}/s"),
        &format!("{:.0}/s synced one by one", disk::syncs_per_second(floor)),
        ">= 10000/s",
        rate >= 10_000.0,
    );
    server.stop()
}

/// From the 202 to the first line of the handler, which tells the time in the record of its success.
fn start(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let server = Server::start(&arguments.lambent, &scratch.path().join("data"), 4)?;
    let mut client = server.client()?;
    Kind::Stamp.create(&mut client, "stamp", scratch.path())?;
    let queue = queues::create(&mut client, "stamps", &json!({}))?;
    let destination = json!({
        "DestinationConfig": { "OnSuccess": { "Destination": format!("arn:aws:sqs:us-east-1:{ACCOUNT}:stamps") } }
    });
    client.call("PUT", "/2019-09-25/functions/stamp/event-invoke-config", &destination)?;
    let mut series = Vec::new();
    for round in 0..arguments.rounds(500) + 20 {
        client.invoke_event("stamp", EVENT)?;
        let accepted = SystemClock.now();
        let started = stamp(&mut client, &queue)?;
        // The first ones start environments.
        if round >= 20 {
            series.push(started.saturating_since(accepted));
        }
    }
    let goal = Duration::from_millis(2);
    report.time(
        "async invoke accepted to handler started, Python, idle",
        Summary::of(series),
        None,
        Some(goal),
    );
    server.stop()
}

fn stamp(client: &mut crate::http::Client, queue: &str) -> Result<Timestamp> {
    loop {
        let received = queues::receive(client, queue, 20)?;
        let Some(message) = received.first() else { continue };
        let record: Value = serde_json::from_str(message["Body"].as_str().unwrap_or_default())?;
        queues::delete(client, queue, message["ReceiptHandle"].as_str().unwrap_or_default())?;
        let micros = record["responsePayload"].as_i64().with_context(|| format!("no time in {record}"))?;
        return Ok(Timestamp::from_micros(micros));
    }
}

/// Memory with many events waiting, and the time until a server answers that starts with them.
fn backlog(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let count = if arguments.quick { 20_000 } else { arguments.events };
    let scratch = tempfile::tempdir()?;
    let data = scratch.path().join("data");
    let server = Server::start(&arguments.lambent, &data, 4)?;
    let mut client = server.client()?;
    parked(&mut client, scratch.path())?;
    client.invoke_event("slow", EVENT)?;
    let before = resident_kib(server.pid());
    let connections = (0..CLIENTS).map(|_| server.client()).collect::<Result<_>>()?;
    load::rate(connections, count, |client, _| client.invoke_event("slow", EVENT).map(drop))?;
    let grown = mib(resident_kib(server.pid()).saturating_sub(before));
    report.number(
        &format!("memory of a backlog of {count} events, resident"),
        format!("{grown:.0} MiB"),
        "-",
        "< 100 MiB",
        grown < 100.0,
    );
    // A handler runs for minutes yet: the server is not asked to wait for it.
    drop(server);
    let mut series = Vec::new();
    for _ in 0..arguments.rounds(5) {
        let watch = Stopwatch::start();
        let server = Server::start(&arguments.lambent, &data, 4)?;
        server.client()?.call("GET", "/2015-03-31/functions/slow", &Value::Null)?;
        series.push(watch.elapsed());
    }
    report.time(
        &format!("start after kill -9 to the first answered request, {count} events waiting"),
        Summary::of(series),
        None,
        Some(Duration::from_secs(1)),
    );
    Ok(())
}

/// A function whose only environment is busy for long, so that events stay in the queue.
fn parked(client: &mut crate::http::Client, scratch: &std::path::Path) -> Result<()> {
    Kind::Slow.create(client, "slow", scratch)?;
    let one = json!({ "ReservedConcurrentExecutions": 1 });
    client.call("PUT", "/2017-10-31/functions/slow/concurrency", &one).map(drop)
}
