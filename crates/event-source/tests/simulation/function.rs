//! Functions that do what the records tell them, and what chance does to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clock::{Timestamp, execution_sleep};
use event_source::{Batch, FunctionInfo, Functions, Invoked, Mapping, Polling, Ran};
use ids::{AccountId, FunctionArn, Region};
use serde_json::{Value, json};
use simulator::{Chance, attempted};
use targets::MetricSource;

use crate::journal::{Began, Ending, Item, Journal, What, Window};
use crate::time::Time;

/// How long a function may run.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// What a record does to the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Good,
    /// The function fails as long as it is not mended.
    Poison,
    /// It fails the first times.
    Flaky(u32),
}

impl Kind {
    fn parse(letter: &str) -> Self {
        match letter {
            "good" => Self::Good,
            "poison" => Self::Poison,
            flaky => Self::Flaky(flaky.strip_prefix("flaky").unwrap().parse().unwrap()),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Good => "good".to_owned(),
            Self::Poison => "poison".to_owned(),
            Self::Flaky(times) => format!("flaky{times}"),
        }
    }
}

/// The body of a message or the data of a record; plain text when `color` is none.
pub(crate) fn body(n: u64, kind: Kind, color: Option<&str>, padding_bytes: usize) -> String {
    let (kind, padding) = (kind.name(), "x".repeat(padding_bytes));
    match color {
        Some(color) => {
            format!("{{\"n\":{n},\"kind\":\"{kind}\",\"color\":\"{color}\",\"pad\":\"{padding}\"}}")
        }
        None => format!("{n} {kind} {padding}"),
    }
}

/// The number in a body, or in its beginning.
pub(crate) fn number(body: &str) -> u64 {
    let digits = body.strip_prefix("{\"n\":").unwrap_or(body);
    digits[..digits.find([',', ' ']).unwrap()].parse().unwrap()
}

fn kind(body: &str) -> Kind {
    match serde_json::from_str::<Value>(body) {
        Ok(document) => Kind::parse(document["kind"].as_str().unwrap()),
        Err(_) => Kind::parse(body.split(' ').nth(1).unwrap()),
    }
}

/// How often in a hundred times something happens to an invocation.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Noise {
    pub(crate) throttles: u64,
    pub(crate) system_errors: u64,
    pub(crate) errors: u64,
    /// It never returns.
    pub(crate) hangs: u64,
    pub(crate) is_slow: bool,
}

#[derive(Debug)]
pub(crate) struct FakeFunctions {
    pub(crate) journal: Arc<Journal>,
    pub(crate) chance: Chance,
    pub(crate) time: Time,
    pub(crate) noise: Mutex<Noise>,
    /// Nothing is poison any more.
    pub(crate) is_mended: AtomicBool,
    /// By the function's name.
    pub(crate) mappings: Mutex<BTreeMap<String, Mapping>>,
    /// How often each record was seen by each function.
    pub(crate) runs: Mutex<BTreeMap<(String, u64), u32>>,
}

/// What the function answers, and what that means.
struct Answer {
    payload: String,
    error: Option<(String, String)>,
    ending: Ending,
    done: BTreeSet<u64>,
}

impl Answer {
    fn error(why: &str) -> Self {
        let payload = json!({ "errorMessage": why, "errorType": "Oops" }).to_string();
        let error = Some(("Oops".to_owned(), why.to_owned()));
        Self { payload, error, ending: Ending::Error, done: BTreeSet::new() }
    }

    fn nonsense(payload: String) -> Self {
        Self { payload, error: None, ending: Ending::Failure, done: BTreeSet::new() }
    }
}

pub(crate) fn figures() -> Arc<MetricSource> {
    Arc::new(MetricSource {
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        namespace: "AWS/Lambda",
        dimensions: vec![vec![]],
    })
}

#[async_trait]
impl Functions for FakeFunctions {
    async fn function(&self, _function: &FunctionArn) -> Result<Option<FunctionInfo>, String> {
        self.chance.dawdle(1).await;
        if self.chance.percent(self.noise().system_errors) {
            return Err("silence".to_owned());
        }
        let role = "arn:aws:iam::000000000000:role/r".to_owned();
        Ok(Some(FunctionInfo { timeout: TIMEOUT, role, metrics: figures() }))
    }

    async fn invoke(&self, batch: Batch) -> Invoked {
        self.chance.dawdle(2).await;
        let noise = self.noise();
        if self.chance.percent(noise.throttles) {
            return Invoked::Throttled;
        }
        if self.chance.percent(noise.system_errors) {
            return Invoked::SystemError("no room".to_owned());
        }
        let event: Value = serde_json::from_slice(&batch.payload).unwrap();
        let (began, bodies) = read(&batch, &event);
        let mapping = self.mappings.lock().unwrap()[&began.function].clone();
        let line = self.journal.write(self.time.now(), What::Began(began.clone()));
        let failing = self.failing(&began, &bodies);
        self.chance.dawdle(3).await;
        if self.chance.percent(noise.hangs) {
            return std::future::pending().await;
        }
        if noise.is_slow && self.chance.percent(30) {
            execution_sleep(TIMEOUT * u32::try_from(self.chance.below(100)).unwrap() / 100).await;
        }
        let answer = if self.chance.percent(noise.errors) {
            self.fail(&mapping, &began)
        } else if failing.is_empty() {
            self.succeed(&mapping, &began)
        } else if mapping.reports_batch_item_failures && self.chance.percent(70) {
            self.report(&mapping, &began, &failing)
        } else {
            self.fail(&mapping, &began)
        };
        let Answer { payload, error, ending, done } = answer;
        self.journal.write(self.time.now(), What::Ended { began: line, ending, done });
        Invoked::Ran(Box::new(Ran {
            request_id: format!("request-{line}"),
            attempted: attempted(error.clone()),
            executed_version: "$LATEST".to_owned(),
            payload: payload.into(),
            error,
        }))
    }
}

impl FakeFunctions {
    fn noise(&self) -> Noise {
        *self.noise.lock().unwrap()
    }

    /// Indices of what fails this time.
    fn failing(&self, began: &Began, bodies: &[String]) -> Vec<usize> {
        let mut runs = self.runs.lock().unwrap();
        let is_mended = self.is_mended.load(Ordering::Relaxed);
        let mut fails = |item: &Item, body: &str| {
            let run = runs.entry((began.function.clone(), item.n)).or_default();
            *run += 1;
            match kind(body) {
                Kind::Good => false,
                Kind::Poison => !is_mended,
                Kind::Flaky(times) => *run <= times && !is_mended,
            }
        };
        let pairs = began.items.iter().zip(bodies).enumerate();
        pairs.filter_map(|(index, (item, body))| fails(item, body).then_some(index)).collect()
    }

    fn succeed(&self, mapping: &Mapping, began: &Began) -> Answer {
        let done: BTreeSet<u64> = began.items.iter().map(|item| item.n).collect();
        let is_stream = matches!(mapping.polling, Polling::Stream(_));
        let payload = if began.window.is_some() {
            with_state(began, began.items.len(), &self.chance.pick(&[json!([]), Value::Null]))
        } else if !mapping.reports_batch_item_failures {
            // Whatever it says.
            let lie = json!({ "batchItemFailures": [{ "itemIdentifier": "" }] }).to_string();
            self.chance.pick(&["null".to_owned(), "\"done\"".to_owned(), lie, "no JSON".to_owned()])
        } else {
            let texts: &[&str] =
                &["null", "{}", "{\"batchItemFailures\":[]}", "{\"batchItemFailures\":null}", "\"\""];
            self.chance.pick(&texts[..texts.len() - usize::from(!is_stream)]).to_owned()
        };
        Answer { payload, error: None, ending: Ending::Success, done }
    }

    fn fail(&self, mapping: &Mapping, began: &Began) -> Answer {
        if began.window.is_some() && self.chance.percent(30) {
            return Answer::nonsense(json!({ "batchItemFailures": [] }).to_string());
        }
        if !mapping.reports_batch_item_failures || self.chance.percent(40) {
            return Answer::error("no");
        }
        let nonsense = self.chance.pick(&[
            json!({ "itemIdentifier": "" }),
            json!({ "itemIdentifier": null }),
            json!({ "foo": "notvalid" }),
            json!({ "itemIdentifier": "49000000000000000000000000000000000000000000000000000000" }),
        ]);
        match &began.window {
            Some(_) => Answer::nonsense(with_state(began, 0, &json!([nonsense]))),
            None => Answer::nonsense(json!({ "batchItemFailures": [nonsense] }).to_string()),
        }
    }

    fn report(&self, mapping: &Mapping, began: &Began, failing: &[usize]) -> Answer {
        let first = failing[0];
        let (is_stream, is_fifo) = match &mapping.polling {
            Polling::Stream(_) => (true, false),
            Polling::Queue(polling) => (false, polling.fifo),
        };
        // In order nothing is done beyond what failed.
        let failed: Vec<usize> =
            if is_fifo { (first..began.items.len()).collect() } else { failing.to_vec() };
        let done = (0..began.items.len())
            .filter(|index| if is_stream { *index < first } else { !failed.contains(index) })
            .map(|index| began.items[index].n)
            .collect();
        let mut identifiers: Vec<Value> =
            failed.iter().map(|&index| json!({ "itemIdentifier": began.items[index].id })).collect();
        if self.chance.percent(50) {
            identifiers.reverse();
        }
        let payload = match &began.window {
            Some(_) => with_state(began, first, &json!(identifiers)),
            None => json!({ "batchItemFailures": identifiers }).to_string(),
        };
        Answer { payload, error: None, ending: Ending::Partial, done }
    }
}

/// The state is all that was folded so far, and the first `count` of the batch.
fn with_state(began: &Began, count: usize, failures: &Value) -> String {
    let window = began.window.as_ref().unwrap();
    let folded: Vec<u64> =
        window.state.iter().copied().chain(began.numbers().into_iter().take(count)).collect();
    json!({ "state": { "folded": folded }, "batchItemFailures": failures }).to_string()
}

fn read(batch: &Batch, event: &Value) -> (Began, Vec<String>) {
    let mut items = Vec::new();
    let mut bodies = Vec::new();
    for record in event["Records"].as_array().unwrap() {
        let (item, body) = read_record(batch, record);
        items.push(item);
        bodies.push(body);
    }
    let window = event.get("window").map(|window| {
        let moment = |name: &str| Timestamp::parse_iso8601(window[name].as_str().unwrap()).unwrap();
        let state = &event["state"];
        let folded = state["folded"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(state.as_object().unwrap().is_empty() || state.get("folded").is_some());
        Window {
            start: moment("start"),
            end: moment("end"),
            shard: event["shardId"].as_str().unwrap().to_owned(),
            state: folded.iter().map(|n| n.as_u64().unwrap()).collect(),
            is_final: event["isFinalInvokeForWindow"].as_bool().unwrap(),
            is_terminated_early: event["isWindowTerminatedEarly"].as_bool().unwrap(),
        }
    });
    let began =
        Began { function: batch.function.name.clone(), items, window, payload_bytes: batch.payload.len() };
    (began, bodies)
}

fn read_record(batch: &Batch, record: &Value) -> (Item, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(record["eventSourceARN"], json!(batch.source.to_string()));
    if record["eventSource"] == "aws:sqs" {
        let body = text(&record["body"]);
        let count = record["attributes"]["ApproximateReceiveCount"].as_str().unwrap().parse().unwrap();
        let item = Item { n: number(&body), id: text(&record["messageId"]), shard: String::new(), count };
        return (item, body);
    }
    assert_eq!(record["eventSource"], "aws:kinesis");
    let data = BASE64_STANDARD.decode(record["kinesis"]["data"].as_str().unwrap()).unwrap();
    let body = String::from_utf8(data).unwrap();
    let (shard, id) = record["eventID"].as_str().unwrap().split_once(':').unwrap();
    assert_eq!(record["kinesis"]["sequenceNumber"], id);
    (Item { n: number(&body), id: id.to_owned(), shard: shard.to_owned(), count: 0 }, body)
}
