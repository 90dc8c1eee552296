//! Settings drawn by chance.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::Timestamp;
use event_source::{Mapping, Polling, ProvisionedPollers, QueuePolling, Start, State, StreamPolling};
use ids::{AccountId, FunctionArn, Region};
use queue::{DeadLetter, DeduplicationScope, Fifo, QueueId, ThroughputLimit};
use simulator::Chance;

use crate::function::{Kind, TIMEOUT};
use crate::process::arn;
use crate::world::{Mode, START};

/// What records of a world are like.
pub(crate) const KINDS: [&[Kind]; 5] = [
    &[Kind::Good],
    &[Kind::Good],
    &[Kind::Good, Kind::Good, Kind::Good, Kind::Good, Kind::Poison],
    &[Kind::Good, Kind::Good, Kind::Good, Kind::Flaky(1), Kind::Flaky(2)],
    &[Kind::Good, Kind::Good, Kind::Poison, Kind::Flaky(1), Kind::Flaky(3)],
];

/// The color of records that filters let through.
pub(crate) const COLOR: &str = "red";

/// Sources and mappings of a world.
pub(crate) struct Draft {
    pub(crate) queues: BTreeMap<String, queue::Settings>,
    pub(crate) streams: BTreeMap<String, stream::Settings>,
    pub(crate) mappings: Vec<Mapping>,
}

fn mapping(number: u64, source: &str, polling: Polling) -> Mapping {
    let (service, resource) = match &polling {
        Polling::Queue(_) => ("sqs", source.to_owned()),
        Polling::Stream(_) => ("kinesis", format!("stream/{source}")),
    };
    Mapping {
        uuid: format!("00000000-0000-4000-8000-00000000000{number}"),
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        source: arn(service, &resource),
        function: FunctionArn::parse(&arn("lambda", &format!("function:f{number}")).to_string()).unwrap(),
        is_enabled: true,
        batch_size: 1,
        batching_window: Duration::ZERO,
        filters: Vec::new(),
        kms_key_arn: None,
        reports_batch_item_failures: false,
        counts_events: true,
        polling,
        state: State::Creating,
        state_reason: "USER_INITIATED".to_owned(),
        last_processing_result: None,
        last_modified: START,
        revision: 0,
    }
}

/// What may be changed of a mapping is drawn anew.
pub(crate) fn redraw(chance: &Chance, old: &Mapping) -> Mapping {
    let secs = |from: &[u64]| Duration::from_secs(chance.pick(from));
    let mut new = old.clone();
    new.batch_size = chance.pick(&[1, 2, 3, 5, 10, 10]);
    match &mut new.polling {
        Polling::Queue(polling) => {
            if !polling.fifo && chance.percent(40) {
                new.batching_window = secs(&[1, 5, 20, 60]);
                new.batch_size = chance.pick(&[2, 10, 11, 25, 10_000]);
            } else {
                new.batching_window = Duration::ZERO;
            }
            polling.maximum_concurrency = chance.percent(40).then(|| chance.pick(&[2, 3, 5]));
            let pollers = ProvisionedPollers { minimum: 2, maximum: chance.pick(&[2, 4]) };
            polling.provisioned_pollers =
                (polling.maximum_concurrency.is_none() && chance.percent(30)).then_some(pollers);
        }
        Polling::Stream(polling) => {
            new.batching_window = secs(&[0, 0, 0, 1, 5, 60]);
            polling.bisects_batch_on_function_error = chance.percent(50);
            polling.maximum_retry_attempts = chance.percent(60).then(|| chance.pick(&[0, 1, 2, 5]));
            polling.maximum_record_age = chance.percent(40).then(|| secs(&[60, 90, 300]));
            polling.parallelization_factor = match polling.tumbling_window.is_zero() {
                true => chance.pick(&[1, 1, 2, 3, 10]),
                false => 1,
            };
        }
    }
    new
}

/// A moment to start at lies never in the future.
pub(crate) fn begin_now(mapping: &mut Mapping, now: Timestamp) {
    if let Polling::Stream(StreamPolling { start: Start::AtTimestamp(at), .. }) = &mut mapping.polling {
        *at = now.min(*at);
    }
}

/// What is settled once.
fn found(chance: &Chance, mut mapping: Mapping) -> Mapping {
    mapping.reports_batch_item_failures = chance.percent(40);
    mapping.is_enabled = !chance.percent(10);
    let field = if matches!(mapping.polling, Polling::Queue(_)) { "body" } else { "data" };
    if chance.percent(30) {
        mapping.filters = vec![format!("{{\"{field}\":{{\"color\":[\"green\",\"{COLOR}\"]}}}}")];
    }
    redraw(chance, &mapping)
}

fn queue(chance: &Chance, mode: Mode, name: &str, dead: &str) -> queue::Settings {
    let fifo = Fifo {
        content_based_deduplication: false,
        deduplication_scope: DeduplicationScope::Queue,
        throughput_limit: ThroughputLimit::PerQueue,
    };
    let is_generous = mode != Mode::Calm || chance.percent(50);
    queue::Settings {
        arn: arn("sqs", name).to_string(),
        fifo: name.ends_with("fifo").then_some(fifo),
        visibility_timeout: if is_generous { TIMEOUT * 6 } else { TIMEOUT * 3 },
        delay: Duration::ZERO,
        retention: Duration::from_secs(1_209_600),
        dead_letter: (!dead.is_empty()).then(|| DeadLetter {
            queue: QueueId(dead.to_owned()),
            max_receive_count: chance.pick(&[1, 2, 3, 5]),
        }),
    }
}

/// A queue or two, with a mapping or two.
pub(crate) fn queues(chance: &Chance, mode: Mode) -> Draft {
    let mut draft = Draft { queues: BTreeMap::new(), streams: BTreeMap::new(), mappings: Vec::new() };
    for number in 0..=chance.below(2) {
        let suffix = if chance.percent(50) { ".fifo" } else { "" };
        let (name, dead) = (format!("queue{number}{suffix}"), format!("dead{number}{suffix}"));
        let dead = if chance.percent(60) { dead } else { String::new() };
        if !dead.is_empty() {
            draft.queues.insert(dead.clone(), queue(chance, mode, &dead, ""));
        }
        draft.queues.insert(name.clone(), queue(chance, mode, &name, &dead));
        for function in 0..=u64::from(chance.percent(20)) {
            let polling = QueuePolling { fifo: !suffix.is_empty(), ..QueuePolling::default() };
            let new = mapping(number * 2 + function, &name, Polling::Queue(polling));
            draft.mappings.push(found(chance, new));
        }
    }
    draft
}

/// A stream, with a mapping or two.
pub(crate) fn streams(chance: &Chance, _mode: Mode) -> Draft {
    let mut draft = Draft { queues: BTreeMap::new(), streams: BTreeMap::new(), mappings: Vec::new() };
    let retention = Duration::from_secs(chance.pick(&[86_400, 86_400, 86_400, 3_600]));
    let arn_text = arn("kinesis", "stream/s").to_string();
    draft.streams.insert("s".to_owned(), stream::Settings { arn: arn_text, retention });
    for number in 0..=u64::from(chance.percent(30)) {
        let later = START + Duration::from_secs(chance.pick(&[0, 60, 300]));
        let receiver = chance.pick(&[Some(("sqs", "failed")), Some(("sns", "failed")), None]);
        let polling = StreamPolling {
            start: chance.pick(&[
                Start::TrimHorizon,
                Start::TrimHorizon,
                Start::Latest,
                Start::AtTimestamp(later),
            ]),
            parallelization_factor: 1,
            bisects_batch_on_function_error: false,
            maximum_retry_attempts: None,
            maximum_record_age: None,
            tumbling_window: Duration::from_secs(chance.pick(&[0, 0, 0, 0, 30, 60, 900])),
            on_failure: receiver.map(|(service, name)| arn(service, name)),
        };
        let mut new = mapping(number, "s", Polling::Stream(polling));
        if chance.percent(20) {
            new.source = arn("kinesis", &format!("stream/s/consumer/c{number}:1800000000"));
        }
        draft.mappings.push(found(chance, new));
    }
    draft
}
