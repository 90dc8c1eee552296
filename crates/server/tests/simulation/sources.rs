//! Sources that functions are invoked from: two queues and a stream, their mappings, and what their functions do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use event_source::{
    Batch, FunctionInfo, Functions, Invoked, Mapping, Polling, QueuePolling, Ran, Start, State, StreamPolling,
};
use ids::{AccountId, FunctionArn, IdSource, Region};
use serde_json::{Value, json};
use simulator::attempted;

use crate::world::{START, arn, figures};

/// Queues that only mappings receive from.
pub(crate) const MAPPED: [&str; 2] = ["jobs", "lines.fifo"];

/// The function of each source has the source's name.
pub(crate) fn mappings() -> Vec<Mapping> {
    let fifo = QueuePolling { fifo: true, ..QueuePolling::default() };
    let stream = StreamPolling {
        start: Start::TrimHorizon,
        parallelization_factor: 2,
        bisects_batch_on_function_error: true,
        maximum_retry_attempts: Some(2),
        maximum_record_age: None,
        tumbling_window: Duration::ZERO,
        on_failure: Some(arn("sqs", "given-up")),
    };
    let sources = [
        ("sqs", "jobs", "jobs", Polling::Queue(QueuePolling::default())),
        ("sqs", "lines.fifo", "lines", Polling::Queue(fifo)),
        ("kinesis", "stream/ticks", "ticks", Polling::Stream(stream)),
    ];
    let mapping = |(number, (service, source, function, polling))| Mapping {
        uuid: format!("00000000-0000-4000-8000-00000000000{number}"),
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        source: arn(service, source),
        function: FunctionArn::parse(&arn("lambda", &format!("function:{function}")).to_string()).unwrap(),
        is_enabled: true,
        batch_size: 3,
        batching_window: Duration::ZERO,
        filters: Vec::new(),
        kms_key_arn: None,
        reports_batch_item_failures: service == "sqs",
        counts_events: false,
        polling,
        state: State::Creating,
        state_reason: "USER_INITIATED".to_owned(),
        last_processing_result: None,
        last_modified: START,
        revision: 0,
    };
    (0..).zip(sources).map(mapping).collect()
}

/// What a message or record is, and whether its function fails it for ever.
pub(crate) fn work(number: &str, fails: bool) -> String {
    json!({ "n": number, "fails": fails }).to_string()
}

/// What the functions have done to the world outside, which survives the server.
#[derive(Debug, Default)]
pub(crate) struct Handled(Mutex<Vec<String>>);

impl Handled {
    /// How often.
    pub(crate) fn count(&self, number: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|handled| *handled == number).count()
    }

    /// Those of `numbers` that were handled, in the order of their first time.
    pub(crate) fn in_order(&self, numbers: &[String]) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let handled = self.0.lock().unwrap();
        handled.iter().filter(|number| numbers.contains(number) && seen.insert(*number)).cloned().collect()
    }
}

/// The functions of all mappings.
#[derive(Debug)]
pub(crate) struct Handlers {
    pub(crate) ids: Arc<IdSource>,
    pub(crate) handled: Arc<Handled>,
}

#[async_trait]
impl Functions for Handlers {
    async fn function(&self, _function: &FunctionArn) -> Result<Option<FunctionInfo>, String> {
        if self.ids.bits().is_multiple_of(10) {
            return Err("no answer".to_owned());
        }
        let role = "arn:aws:iam::000000000000:role/r".to_owned();
        Ok(Some(FunctionInfo { timeout: Duration::from_secs(3), role, metrics: figures() }))
    }

    async fn invoke(&self, batch: Batch) -> Invoked {
        tokio::task::yield_now().await;
        match self.ids.bits() % 10 {
            0 => return Invoked::Throttled,
            1 => return Invoked::SystemError("no room".to_owned()),
            _ => {}
        }
        let event: Value = serde_json::from_slice(&batch.payload).unwrap();
        let records: Vec<(String, String, bool)> =
            event["Records"].as_array().unwrap().iter().map(read).collect();
        for _ in 0..self.ids.bits() % 4 {
            tokio::task::yield_now().await;
        }
        let is_stream = batch.source.service == "kinesis";
        let first = records.iter().position(|(.., fails)| *fails);
        let done = match first {
            // A stream's batch fails as a whole.
            Some(_) if is_stream => 0,
            Some(first) => first,
            None => records.len(),
        };
        let numbers = records[..done].iter().map(|(_, number, _)| number.clone());
        self.handled.0.lock().unwrap().extend(numbers);
        let failures: Vec<Value> =
            records[done..].iter().map(|(id, ..)| json!({ "itemIdentifier": id })).collect();
        let error = (is_stream && first.is_some()).then(|| ("Oops".to_owned(), "no".to_owned()));
        Invoked::Ran(Box::new(Ran {
            request_id: self.ids.request_id().to_string(),
            attempted: attempted(error.clone()),
            executed_version: "$LATEST".to_owned(),
            payload: json!({ "batchItemFailures": failures }).to_string().into(),
            error,
        }))
    }
}

/// The id of a record, its number, and whether it fails.
fn read(record: &Value) -> (String, String, bool) {
    let (id, body) = match record["body"].as_str() {
        Some(body) => (&record["messageId"], body.as_bytes().to_vec()),
        None => {
            let data = record["kinesis"]["data"].as_str().unwrap();
            (&record["kinesis"]["sequenceNumber"], BASE64_STANDARD.decode(data).unwrap())
        }
    };
    let (number, fails) = crate::functions::read(&body);
    (id.as_str().unwrap().to_owned(), number, fails)
}

/// What was acknowledged for the sources.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    /// Numbers of jobs, and whether they fail.
    pub(crate) jobs: BTreeMap<String, bool>,
    /// Of lines by group and ticks by partition key, in the order of the acknowledgements.
    pub(crate) ordered: BTreeMap<String, Vec<(String, bool)>>,
    /// Where each tick is: the shard's id and the sequence number.
    pub(crate) places: BTreeMap<String, (String, String)>,
}

impl Accepted {
    /// Each was handled, or failed and was put aside; in order, and once if nothing went wrong.
    pub(crate) fn check(
        &self,
        handled: &Handled,
        put_aside: &BTreeMap<String, usize>,
        given_up: &[String],
        faulty: bool,
    ) {
        for (number, fails) in &self.jobs {
            let aside = put_aside.get(number).copied().unwrap_or(0);
            check_one(number, *fails, handled.count(number), aside, faulty);
        }
        for (lane, items) in &self.ordered {
            for (number, fails) in items {
                let aside = match self.places.get(number) {
                    Some(place) => given_up.iter().filter(|record| is_about(record, place)).count(),
                    None => put_aside.get(number).copied().unwrap_or(0),
                };
                check_one(number, *fails, handled.count(number), aside, faulty);
            }
            let numbers: Vec<String> = items.iter().map(|(number, _)| number.clone()).collect();
            let expected: Vec<&String> = numbers.iter().filter(|number| handled.count(number) > 0).collect();
            assert_eq!(
                handled.in_order(&numbers).iter().collect::<Vec<_>>(),
                expected,
                "the order of {lane}"
            );
        }
    }
}

fn check_one(number: &str, fails: bool, handled: usize, aside: usize, faulty: bool) {
    assert!(handled + aside > 0, "{number} (fails: {fails}) was lost");
    assert!(!fails || handled == 0, "{number} fails");
    // Those who are turned away too often, or whose deletion fails, are put aside as well.
    assert!(faulty || handled + aside == 1, "{number}: {handled} times handled, {aside} times put aside");
}

/// Whether this record of a given up batch has the tick in it.
fn is_about(record: &str, (shard, number): &(String, String)) -> bool {
    let document: Value = serde_json::from_str(record).unwrap();
    let info = &document["KinesisBatchInfo"];
    let [start, end] = ["startSequenceNumber", "endSequenceNumber"].map(|name| info[name].as_str().unwrap());
    assert_eq!(info["batchSize"], 1, "halving has found the record: {record}");
    info["shardId"] == **shard && (start..=end).contains(&&**number)
}
