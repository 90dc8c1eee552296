//! Event source mappings of queues: how soon a message is handled, how fast a queue is drained, and that no group of a
//! FIFO queue waits for another.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clock::{Clock, Stopwatch, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::function::Kind;
use crate::http::Client;
use crate::queues;
use crate::report::Report;
use crate::server::{ACCOUNT, Server};
use crate::statistics::Summary;
use crate::{Arguments, disk};

/// The first ones start environments and connections.
pub(crate) const WARM_UP: usize = 20;
/// What is not there by then never comes.
const ARRIVES_WITHIN: Duration = Duration::from_secs(120);

/// Of a FIFO queue.
const GROUPS: u64 = 100;
/// Messages of a group.
const EACH: u64 = 5;
const FAST_MS: u64 = 100;
const SLOW_MS: u64 = 1_000;

/// What a relay function told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) started: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) records: Vec<Value>,
}

pub(crate) fn measure(arguments: &Arguments, report: &mut Report) -> Result<()> {
    eprintln!("event source mappings of queues");
    let scratch = tempfile::tempdir()?;
    let floor = disk::append_and_sync(scratch.path(), 1_024, arguments.rounds(2_000))?;
    let server = Server::start(&arguments.lambent, &scratch.path().join("data"), 4)?;
    let mut client = server.client()?;
    Kind::Relay.create(&mut client, "relay", scratch.path())?;
    let stamps = queues::create(&mut client, "stamps", &json!({}))?;
    to_handler(arguments, report, &mut client, &stamps, floor)?;
    drain(arguments, report, &mut client, scratch.path(), floor)?;
    groups(report, &mut client, &stamps)?;
    server.stop()
}

/// From the beginning of `SendMessage` to the first line of the handler, one message at a time.
fn to_handler(
    arguments: &Arguments,
    report: &mut Report,
    client: &mut Client,
    stamps: &str,
    floor: Summary,
) -> Result<()> {
    let queue = queues::create(client, "work", &visibility())?;
    map(client, "relay", &arn("work"), &json!({ "BatchSize": 10 }))?;
    let request = json!({ "QueueUrl": queue, "MessageBody": "{}" }).to_string();
    let mut series = Vec::new();
    for round in 0..arguments.rounds(500) + WARM_UP {
        let sent = SystemClock.now();
        client.queue("SendMessage", &request)?;
        let told = hear(client, stamps)?;
        if round >= WARM_UP {
            series.push(told.started.saturating_since(sent));
        }
    }
    let goal = Duration::from_millis(3);
    report.time("SendMessage to handler started, Python, idle", Summary::of(series), Some(floor), Some(goal));
    Ok(())
}

/// A full queue whose mapping is enabled: until nothing is left, in flight or not.
fn drain(
    arguments: &Arguments,
    report: &mut Report,
    client: &mut Client,
    scratch: &Path,
    floor: Summary,
) -> Result<()> {
    let count = arguments.rounds(10_000);
    Kind::Python.create(client, "drain", scratch)?;
    let queue = queues::create(client, "drained", &visibility())?;
    let uuid = map(client, "drain", &arn("drained"), &json!({ "BatchSize": 10, "Enabled": false }))?;
    let body = "x".repeat(1_024);
    for _ in 0..count / 10 {
        let entries: Vec<Value> =
            (0..10).map(|id| json!({ "Id": id.to_string(), "MessageBody": body })).collect();
        client.queue("SendMessageBatch", &json!({ "QueueUrl": queue, "Entries": entries }).to_string())?;
    }
    let watch = Stopwatch::start();
    client.call("PUT", &path(&uuid), &json!({ "Enabled": true }))?;
    while left(client, &queue)? > 0 {
        ensure!(watch.elapsed() < ARRIVES_WITHIN, "the queue is not drained");
        pause();
    }
    let took = watch.elapsed();
    report.number(
        &format!("{count} messages of 1 KiB drained through a Python function, batches of 10"),
        format!("{:.2} s", took.as_secs_f64()),
        // A batch is received and deleted.
        &format!(
            "{:.2} s for as many syncs, one by one",
            floor.p50.as_secs_f64() * 2.0 * count as f64 / 10.0
        ),
        "<= 3 s",
        took <= Duration::from_secs(3),
    );
    Ok(())
}

/// 99 groups with a fast handler and one with a slow one.
fn groups(report: &mut Report, client: &mut Client, stamps: &str) -> Result<()> {
    let own = Duration::from_millis(FAST_MS * EACH);
    let fifo =
        json!({ "FifoQueue": "true", "VisibilityTimeout": "900", "ContentBasedDeduplication": "true" });
    let queue = queues::create(client, "groups.fifo", &fifo)?;
    let uuid = map(client, "relay", &arn("groups.fifo"), &json!({ "BatchSize": 1, "Enabled": false }))?;
    // First an environment for each group is started.
    send_to_groups(client, &queue, 1, |_| SLOW_MS)?;
    enable(client, &uuid, true)?;
    for _ in 0..GROUPS {
        hear(client, stamps)?;
    }
    enable(client, &uuid, false)?;
    send_to_groups(client, &queue, EACH, |group| if group == 0 { SLOW_MS } else { FAST_MS })?;
    let begun = SystemClock.now();
    enable(client, &uuid, true)?;
    let mut ends: BTreeMap<u64, Timestamp> = BTreeMap::new();
    for _ in 0..GROUPS * EACH {
        let told = hear(client, stamps)?;
        let group = told.records.first().and_then(|record| record["group"].as_u64()).context("no group")?;
        let end = ends.entry(group).or_insert(told.ended);
        *end = told.ended.max(*end);
    }
    let slow = ends.remove(&0).context("the slow group has no end")?.saturating_since(begun);
    let fast = Summary::of(ends.values().map(|end| end.saturating_since(begun)).collect());
    report.number(
        &format!(
            "{GROUPS} FIFO groups of {EACH} messages: those with a handler of {FAST_MS} ms are done after (p50; p99 {:.2} s), the one of {SLOW_MS} ms after {:.2} s",
            fast.p99.as_secs_f64(),
            slow.as_secs_f64()
        ),
        format!("{:.2} s", fast.p50.as_secs_f64()),
        &format!("{:.2} s of handling ({:.1}x)", own.as_secs_f64(), fast.p50.as_secs_f64() / own.as_secs_f64()),
        "<= half of the slow one's",
        fast.p99 * 2 <= slow,
    );
    Ok(())
}

fn send_to_groups(client: &mut Client, queue: &str, each: u64, takes_ms: impl Fn(u64) -> u64) -> Result<()> {
    for number in 0..each {
        for group in 0..GROUPS {
            let body = json!({ "group": group, "number": number, "takes_ms": takes_ms(group) }).to_string();
            let id = format!("{each}-{group}-{number}");
            let request = json!({
                "QueueUrl": queue, "MessageBody": body, "MessageGroupId": group.to_string(), "MessageDeduplicationId": id,
            });
            client.queue("SendMessage", &request.to_string())?;
        }
    }
    Ok(())
}

/// Switches a mapping on or off, and waits until it is.
fn enable(client: &mut Client, uuid: &str, enabled: bool) -> Result<()> {
    client.call("PUT", &path(uuid), &json!({ "Enabled": enabled }))?;
    settled(client, uuid, if enabled { "Enabled" } else { "Disabled" })
}

fn settled(client: &mut Client, uuid: &str, wanted: &str) -> Result<()> {
    let watch = Stopwatch::start();
    while client.call("GET", &path(uuid), &Value::Null)?["State"] != wanted {
        ensure!(watch.elapsed() < ARRIVES_WITHIN, "the mapping {uuid} does not become {wanted}");
        pause();
    }
    Ok(())
}

/// Connects a function with a source, and answers the mapping's UUID once it is as it was asked for.
pub(crate) fn map(client: &mut Client, function: &str, source: &str, more: &Value) -> Result<String> {
    let mut request = json!({ "FunctionName": function, "EventSourceArn": source });
    for (name, value) in more.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    let made = client.call("POST", "/2015-03-31/event-source-mappings", &request)?;
    let uuid = made["UUID"].as_str().context("no UUID")?.to_owned();
    let wanted = if more["Enabled"] == false { "Disabled" } else { "Enabled" };
    settled(client, &uuid, wanted)?;
    Ok(uuid)
}

/// What the next invocation of the relay function told.
pub(crate) fn hear(client: &mut Client, stamps: &str) -> Result<Told> {
    let watch = Stopwatch::start();
    loop {
        ensure!(watch.elapsed() < ARRIVES_WITHIN, "no handler was started");
        let request =
            json!({ "QueueUrl": stamps, "MaxNumberOfMessages": 1, "WaitTimeSeconds": 20 }).to_string();
        let mut answer: Value = serde_json::from_slice(client.queue("ReceiveMessage", &request)?)?;
        let message = answer["Messages"][0].take();
        let Some(body) = message["Body"].as_str() else { continue };
        queues::delete(client, stamps, message["ReceiptHandle"].as_str().unwrap_or_default())?;
        let mut told: Value = serde_json::from_str(body)?;
        let at = |name: &str| {
            told[name].as_i64().map(Timestamp::from_micros).with_context(|| format!("no {name} in {body}"))
        };
        let (started, ended) = (at("started_us")?, at("ended_us")?);
        return Ok(Told {
            started,
            ended,
            records: told["records"].as_array_mut().map(std::mem::take).unwrap_or_default(),
        });
    }
}

fn left(client: &mut Client, queue: &str) -> Result<u64> {
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let request = json!({ "QueueUrl": queue, "AttributeNames": names }).to_string();
    let answer: Value = serde_json::from_slice(client.queue("GetQueueAttributes", &request)?)?;
    Ok(names.iter().filter_map(|name| answer["Attributes"][*name].as_str()?.parse::<u64>().ok()).sum())
}

fn path(uuid: &str) -> String {
    format!("/2015-03-31/event-source-mappings/{uuid}")
}

/// At least the function's timeout.
fn visibility() -> Value {
    json!({ "VisibilityTimeout": "900" })
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{queue}")
}

/// Between two looks at something that nobody tells of.
#[expect(clippy::disallowed_methods, reason = "a benchmark without an asynchronous runtime")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
