//! SQS: messages a second, the same after millions, and how soon a waiting receiver gets one.

use std::time::Duration;

use anyhow::{Context, Result};
use clock::Stopwatch;
use serde_json::{Value, json};

use crate::http::Client;
use crate::report::Report;
use crate::server::{ACCOUNT, Server};
use crate::statistics::Summary;
use crate::{Arguments, disk, load};

/// As many clients as the figures are for.
pub(crate) const CLIENTS: usize = 64;
/// 1 KiB.
const BODY_BYTES: usize = 1_024;

/// Where a workload runs: Lambent, or a peer that speaks the same API.
struct Place {
    name: String,
    connect: Box<dyn Fn() -> Result<Client>>,
}

pub(crate) fn measure(arguments: &Arguments, report: &mut Report) -> Result<()> {
    eprintln!("queues");
    let scratch = tempfile::tempdir()?;
    let floor = disk::append_and_sync(scratch.path(), BODY_BYTES, arguments.rounds(2_000))?;
    report.time("floor: 1 KiB appended and synced", floor, None, None);
    for peer in &arguments.peers {
        let (name, address) = peer.split_once('=').context("--peer NAME=HOST:PORT")?;
        let address = address.to_owned();
        let connect = move || Client::connect(&address, ACCOUNT);
        workload(arguments, report, &Place { name: name.to_owned(), connect: Box::new(connect) }, floor)?;
    }
    let server = Server::start(&arguments.lambent, &scratch.path().join("data"), 0)?;
    let address = server.address().to_owned();
    let place =
        Place { name: "Lambent".to_owned(), connect: Box::new(move || Client::connect(&address, ACCOUNT)) };
    workload(arguments, report, &place, floor)?;
    many(arguments, report, &place)?;
    server.stop()
}

fn workload(arguments: &Arguments, report: &mut Report, place: &Place, floor: Summary) -> Result<()> {
    let ours = place.name == "Lambent";
    let mut client = (place.connect)()?;
    let one_by_one = format!("{:.0}/s synced one by one", disk::syncs_per_second(floor));
    let sent = send_rate(&mut client, place, "sends", arguments.rounds(100_000))?;
    report.number(
        &format!("{}: SendMessage of 1 KiB a second, {CLIENTS} clients on this machine", place.name),
        format!("{sent:.0}/s"),
        &one_by_one,
        if ours { ">= 15000/s" } else { "-" },
        !ours || sent >= 15_000.0,
    );
    let cycled = cycle_rate(&mut client, place, "cycles", arguments.rounds(40_000))?;
    report.number(
        &format!("{}: send, receive and delete a second, {CLIENTS} clients", place.name),
        format!("{cycled:.0}/s"),
        &one_by_one,
        if ours { ">= 5000/s" } else { "-" },
        !ours || cycled >= 5_000.0,
    );
    let waits = wake_up(&mut client, place, arguments.rounds(1_000))?;
    let goal = ours.then_some(Duration::from_millis(1));
    report.time(&format!("{}: send to receive, long poll", place.name), waits, Some(floor), goal);
    Ok(())
}

/// The same rates after millions of messages have passed through, ten at a time.
fn many(arguments: &Arguments, report: &mut Report, place: &Place) -> Result<()> {
    let count = if arguments.quick { 50_000 } else { arguments.messages };
    let mut client = (place.connect)()?;
    let rounds = arguments.rounds(40_000);
    let before = cycle_rate(&mut client, place, "many", rounds)?;
    let queue = url(&mut client, "many")?;
    let connections = connect(place)?;
    let body = "x".repeat(BODY_BYTES);
    load::rate(connections, count / 10, move |client, _| {
        let entries: Vec<Value> =
            (0..10).map(|id| json!({ "Id": id.to_string(), "MessageBody": body })).collect();
        client.queue("SendMessageBatch", &json!({ "QueueUrl": queue, "Entries": entries }).to_string())?;
        let received = receive(client, &queue, 0)?;
        let entries: Vec<Value> = received
            .iter()
            .enumerate()
            .map(|(id, message)| json!({ "Id": id.to_string(), "ReceiptHandle": message["ReceiptHandle"] }))
            .collect();
        if !entries.is_empty() {
            client
                .queue("DeleteMessageBatch", &json!({ "QueueUrl": queue, "Entries": entries }).to_string())?;
        }
        Ok(())
    })?;
    // The server closes connections that nothing has come by for minutes.
    let after = cycle_rate(&mut (place.connect)()?, place, "many", rounds)?;
    let ratio = after / before;
    report.number(
        &format!("{}: send, receive and delete a second after {count} messages, against before", place.name),
        format!("{after:.0}/s ({ratio:.2}x)"),
        &format!("{before:.0}/s before"),
        ">= 0.8x",
        ratio >= 0.8,
    );
    Ok(())
}

fn send_rate(client: &mut Client, place: &Place, queue: &str, total: usize) -> Result<f64> {
    let queue = create(client, queue, &json!({}))?;
    let request = json!({ "QueueUrl": queue, "MessageBody": "x".repeat(BODY_BYTES) }).to_string();
    load::rate(connect(place)?, total, move |client, _| client.queue("SendMessage", &request).map(drop))
}

fn cycle_rate(client: &mut Client, place: &Place, queue: &str, total: usize) -> Result<f64> {
    let queue = create(client, queue, &json!({}))?;
    let request = json!({ "QueueUrl": queue, "MessageBody": "x".repeat(BODY_BYTES) }).to_string();
    load::rate(connect(place)?, total, move |client, _| {
        client.queue("SendMessage", &request)?;
        let answer = client.queue("ReceiveMessage", &json!({ "QueueUrl": queue }).to_string())?;
        let answer: Value = serde_json::from_slice(answer)?;
        // Another client may have got it.
        if let Some(receipt) = answer["Messages"][0]["ReceiptHandle"].as_str() {
            delete(client, &queue, receipt)?;
        }
        Ok(())
    })
}

/// A receiver waits; a sender sends; from the send's beginning to the message's arrival.
fn wake_up(client: &mut Client, place: &Place, rounds: usize) -> Result<Summary> {
    let queue = create(client, "wake-up", &json!({}))?;
    let (begin, begun) = std::sync::mpsc::channel::<()>();
    let (arrive, arrived) = std::sync::mpsc::channel();
    let (mut receiver, waited) = ((place.connect)()?, queue.clone());
    let thread = std::thread::spawn(move || -> Result<()> {
        while begun.recv().is_ok() {
            let received = receive(&mut receiver, &waited, 20)?;
            let at = Stopwatch::start();
            let receipt = received.first().context("a long poll was empty")?["ReceiptHandle"].clone();
            delete(&mut receiver, &waited, receipt.as_str().unwrap_or_default())?;
            arrive.send(at)?;
        }
        Ok(())
    });
    let request = json!({ "QueueUrl": queue, "MessageBody": "x".repeat(BODY_BYTES) }).to_string();
    let mut series = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        begin.send(())?;
        // The receiver's request must be waiting before the message is sent.
        std::thread::yield_now();
        clock_pause();
        let watch = Stopwatch::start();
        client.queue("SendMessage", &request)?;
        let since_arrival = arrived.recv()?;
        series.push(watch.elapsed().saturating_sub(since_arrival.elapsed()));
    }
    drop(begin);
    thread.join().map_err(|_| anyhow::anyhow!("the receiver panicked"))??;
    Ok(Summary::of(series))
}

/// Two milliseconds: many times what the receiver's request takes to reach the server.
#[expect(clippy::disallowed_methods, reason = "a benchmark without an asynchronous runtime")]
fn clock_pause() {
    std::thread::sleep(Duration::from_millis(2));
}

/// One durable write through the API, of nothing but a few bytes.
pub(crate) fn group_commit(client: &mut Client, rounds: usize) -> Result<Summary> {
    let queue = create(client, "commits", &json!({}))?;
    let mut series = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let request =
            json!({ "QueueUrl": queue, "Attributes": { "VisibilityTimeout": (30 + round % 2).to_string() } });
        let request = request.to_string();
        let watch = Stopwatch::start();
        client.queue("SetQueueAttributes", &request)?;
        series.push(watch.elapsed());
    }
    Ok(Summary::of(series))
}

pub(crate) fn create(client: &mut Client, name: &str, attributes: &Value) -> Result<String> {
    let request = json!({ "QueueName": name, "Attributes": attributes }).to_string();
    let answer: Value = serde_json::from_slice(client.queue("CreateQueue", &request)?)?;
    answer["QueueUrl"].as_str().map(ToOwned::to_owned).context("no queue URL")
}

fn url(client: &mut Client, name: &str) -> Result<String> {
    let answer = client.queue("GetQueueUrl", &json!({ "QueueName": name }).to_string())?;
    let answer: Value = serde_json::from_slice(answer)?;
    answer["QueueUrl"].as_str().map(ToOwned::to_owned).context("no queue URL")
}

pub(crate) fn receive(client: &mut Client, queue: &str, wait_s: u32) -> Result<Vec<Value>> {
    let request =
        json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": wait_s }).to_string();
    let mut answer: Value = serde_json::from_slice(client.queue("ReceiveMessage", &request)?)?;
    Ok(answer["Messages"].as_array_mut().map(std::mem::take).unwrap_or_default())
}

pub(crate) fn delete(client: &mut Client, queue: &str, receipt: &str) -> Result<()> {
    let request = json!({ "QueueUrl": queue, "ReceiptHandle": receipt }).to_string();
    client.queue("DeleteMessage", &request).map(drop)
}

fn connect(place: &Place) -> Result<Vec<Client>> {
    (0..CLIENTS).map(|_| (place.connect)()).collect()
}
