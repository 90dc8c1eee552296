//! Kinesis: how fast records are taken in, how soon they are handled, and how far a function falls behind.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clock::{Clock, Stopwatch, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::function::Kind;
use crate::http::Client;
use crate::report::Report;
use crate::server::{ACCOUNT, Server};
use crate::sources::{self, WARM_UP};
use crate::statistics::Summary;
use crate::{Arguments, disk, load, queues};

/// As many as `PutRecords` takes.
const BATCH: usize = 500;
const DATA_BYTES: usize = 100;
/// A shard takes 1,000 records a second: enough of them that none is refused.
const SHARDS: usize = 200;
const CLIENTS: usize = 4;

pub(crate) fn measure(arguments: &Arguments, report: &mut Report) -> Result<()> {
    eprintln!("streams");
    let scratch = tempfile::tempdir()?;
    let floor = disk::append_and_sync(scratch.path(), 1_024, arguments.rounds(2_000))?;
    for peer in &arguments.stream_peers {
        let (name, address) = peer.split_once('=').context("--stream-peer NAME=HOST:PORT")?;
        ingest(arguments, report, name, || Client::connect(address, ACCOUNT), floor)?;
    }
    let server = Server::start(&arguments.lambent, &scratch.path().join("data"), 4)?;
    ingest(arguments, report, "Lambent", || server.client(), floor)?;
    let mut client = server.client()?;
    Kind::Relay.create(&mut client, "relay", scratch.path())?;
    let stamps = queues::create(&mut client, "stamps", &json!({}))?;
    to_handler(arguments, report, &mut client, &stamps, floor)?;
    age(arguments, report, &server, &stamps)?;
    server.stop()
}

/// One record after the other, and many at a time.
fn ingest(
    arguments: &Arguments,
    report: &mut Report,
    name: &str,
    connect: impl Fn() -> Result<Client>,
    floor: Summary,
) -> Result<()> {
    let ours = name == "Lambent";
    let mut client = connect()?;
    create(&mut client, "ingest", SHARDS)?;
    let mut series = Vec::new();
    for round in 0..arguments.rounds(1_000) {
        let request = json!({ "StreamName": "ingest", "PartitionKey": round.to_string(), "Data": data("") });
        let watch = Stopwatch::start();
        client.stream("PutRecord", &request.to_string())?;
        series.push(watch.elapsed());
    }
    report.time(
        &format!("{name}: PutRecord of {DATA_BYTES} bytes, one client"),
        Summary::of(series),
        Some(floor),
        None,
    );

    let connections: Vec<Client> = (0..CLIENTS).map(|_| connect()).collect::<Result<_>>()?;
    let requests = arguments.rounds(400);
    let refused = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = refused.clone();
    let rate = load::rate(connections, requests, move |client, index| {
        let records: Vec<Value> = (0..BATCH)
            .map(|number| json!({ "Data": data(""), "PartitionKey": (index * BATCH + number).to_string() }))
            .collect();
        let request = json!({ "StreamName": "ingest", "Records": records }).to_string();
        let answer: Value = serde_json::from_slice(client.stream("PutRecords", &request)?)?;
        let failed = answer["FailedRecordCount"].as_u64().unwrap_or(0);
        counted.fetch_add(failed, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    })?;
    let total = (requests * BATCH) as f64;
    let refused = refused.load(std::sync::atomic::Ordering::Relaxed) as f64;
    let accepted = rate * BATCH as f64 * (total - refused) / total;
    report.number(
        &format!(
            "{name}: records a second in PutRecords of {BATCH}, {SHARDS} shards, {CLIENTS} clients on this machine ({refused:.0} of {total:.0} refused: a shard takes 1,000 a second)"
        ),
        format!("{accepted:.0}/s"),
        &format!("{:.0}/s synced one by one", disk::syncs_per_second(floor)),
        if ours { ">= 20000/s" } else { "-" },
        !ours || accepted >= 20_000.0,
    );
    Ok(())
}

/// From the beginning of `PutRecord` to the first line of the handler, one record at a time.
fn to_handler(
    arguments: &Arguments,
    report: &mut Report,
    client: &mut Client,
    stamps: &str,
    floor: Summary,
) -> Result<()> {
    create(client, "work", 1)?;
    let uuid = sources::map(client, "relay", &arn("work"), &json!({ "StartingPosition": "TRIM_HORIZON" }))?;
    let mut series = Vec::new();
    for round in 0..arguments.rounds(500) + WARM_UP {
        let request = json!({ "StreamName": "work", "PartitionKey": "k", "Data": STANDARD.encode("{}") });
        let request = request.to_string();
        let put = SystemClock.now();
        client.stream("PutRecord", &request)?;
        let told = sources::hear(client, stamps)?;
        if round >= WARM_UP {
            series.push(told.started.saturating_since(put));
        }
    }
    let goal = Duration::from_millis(3);
    report.time("PutRecord to handler started, Python, idle", Summary::of(series), Some(floor), Some(goal));
    client.call("DELETE", &format!("/2015-03-31/event-source-mappings/{uuid}"), &Value::Null).map(drop)
}

/// 5,000 records a second for some seconds: from a record's put to the start of the handler that gets it.
fn age(arguments: &Arguments, report: &mut Report, server: &Server, stamps: &str) -> Result<()> {
    const A_SECOND: usize = 5_000;
    const EACH: usize = 250;
    let mut client = server.client()?;
    create(&mut client, "steady", 8)?;
    let settings = json!({ "StartingPosition": "TRIM_HORIZON", "BatchSize": 100 });
    sources::map(&mut client, "relay", &arn("steady"), &settings)?;
    let seconds = if arguments.quick { 2 } else { 10 };
    let mut sender = server.client()?;
    let sending = std::thread::spawn(move || -> Result<Duration> {
        let begun = Stopwatch::start();
        for request in 0..seconds * A_SECOND / EACH {
            let due = Duration::from_micros((request * EACH * 1_000_000 / A_SECOND) as u64);
            while begun.elapsed() < due {
                pause_briefly();
            }
            let put_us = SystemClock.now().as_micros();
            let records: Vec<Value> = (0..EACH)
                .map(|number| {
                    let record = json!({ "put_us": put_us }).to_string();
                    json!({ "Data": data(&record), "PartitionKey": (request * EACH + number).to_string() })
                })
                .collect();
            let body = json!({ "StreamName": "steady", "Records": records }).to_string();
            let answer: Value = serde_json::from_slice(sender.stream("PutRecords", &body)?)?;
            ensure!(answer["FailedRecordCount"] == 0, "a record was refused: {answer}");
        }
        Ok(begun.elapsed())
    });
    let mut ages = Vec::new();
    while ages.len() < seconds * A_SECOND {
        let told = sources::hear(&mut client, stamps)?;
        for record in &told.records {
            let put = record["put_us"].as_i64().map(Timestamp::from_micros).context("no time in a record")?;
            ages.push(told.started.saturating_since(put));
        }
    }
    let took = sending.join().map_err(|_| anyhow::anyhow!("the sender panicked"))??;
    let rate = (seconds * A_SECOND) as f64 / took.as_secs_f64();
    let goal = Duration::from_millis(100);
    let what = format!(
        "age of a record when its handler starts, at {rate:.0} records a second, 8 shards, batches of 100"
    );
    report.time(&what, Summary::of(ages), None, Some(goal));
    Ok(())
}

fn create(client: &mut Client, name: &str, shards: usize) -> Result<()> {
    client.stream("CreateStream", &json!({ "StreamName": name, "ShardCount": shards }).to_string())?;
    let watch = Stopwatch::start();
    loop {
        let request = json!({ "StreamName": name }).to_string();
        let answer: Value = serde_json::from_slice(client.stream("DescribeStreamSummary", &request)?)?;
        if answer["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE" {
            return Ok(());
        }
        ensure!(watch.elapsed() < Duration::from_secs(60), "{name} does not become active");
        sources::pause();
    }
}

/// A record of [`DATA_BYTES`] that begins with `text` and is JSON if that is.
fn data(text: &str) -> String {
    STANDARD.encode(format!("{text:<DATA_BYTES$}"))
}

fn arn(stream: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{stream}")
}

/// Until the next request is due.
#[expect(clippy::disallowed_methods, reason = "a benchmark without an asynchronous runtime")]
fn pause_briefly() {
    std::thread::sleep(Duration::from_micros(200));
}
