use ids::{AccountId, Region};

use super::*;

fn source(function: &str) -> Arc<MetricSource> {
    Arc::new(MetricSource {
        account: AccountId::parse("000000000000").expect("parses"),
        region: Region::parse("us-east-1").expect("parses"),
        namespace: "AWS/Lambda",
        dimensions: vec![vec![("FunctionName", function.to_owned())], vec![]],
    })
}

const INVOCATION: &[(&str, Unit, f64)] = &[
    ("Invocations", Unit::Count, 1.0),
    ("Errors", Unit::Count, 0.0),
    ("Duration", Unit::Milliseconds, 12.5),
];

/// Count and sum of a metric by minute, over all series with that many dimensions.
fn drained(recorder: &Recorder, name: &str, dimensions: usize) -> Vec<(i64, f64, f64)> {
    let mut batch = Batch::default();
    recorder.drain(&mut batch);
    let mut found: Vec<_> = batch
        .points
        .iter()
        .filter(|(_, change)| change.metric.name == name && change.metric.dimensions.len() == dimensions)
        .map(|(key, change)| (key.start_s, change.summary.count, change.summary.sum))
        .collect();
    found.sort_by_key(|(minute_s, _, _)| *minute_s);
    found
}

#[test]
fn values_add_up_by_minute_and_for_each_set_of_dimensions() {
    let (recorder, exposition) = (Recorder::new(), Exposition::default());
    let (one, other) = (source("one"), source("other"));
    let at = Timestamp::from_millis;
    for (source, at) in [(&one, at(59_999)), (&one, at(60_000)), (&other, at(61_000)), (&one, at(1_000))] {
        recorder.record(&exposition, source, at, INVOCATION);
    }
    assert_eq!(drained(&recorder, "Duration", 0), [(0, 2.0, 25.0), (60, 2.0, 25.0)]);
    assert_eq!(drained(&recorder, "Duration", 0), []);
    recorder.record(&exposition, &one, at(60_000), INVOCATION);
    assert_eq!(drained(&recorder, "Invocations", 1), [(60, 1.0, 1.0)]);
}

#[test]
fn sources_whose_owners_are_gone_are_forgotten_once_drained() {
    let (recorder, exposition) = (Recorder::new(), Exposition::default());
    let entries = || recorder.shards.iter().map(|shard| lock(shard).len()).sum::<usize>();
    let kept = source("kept");
    recorder.record(&exposition, &kept, Timestamp::UNIX_EPOCH, INVOCATION);
    for _ in 0..10 {
        recorder.record(&exposition, &source("passing"), Timestamp::UNIX_EPOCH, INVOCATION);
    }
    assert_eq!(entries(), 11);
    assert_eq!(drained(&recorder, "Invocations", 0), [(0, 11.0, 11.0)]);
    assert_eq!(entries(), 1);
    for _ in 1..SILENT_MAX {
        recorder.drain(&mut Batch::default());
    }
    assert_eq!(entries(), 0);
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    let (recorder, exposition) = (Recorder::new(), Exposition::default());
    let source = source("f");
    let minutes = i64::try_from(LATE_MAX).expect("is small") + 3;
    for minute in 0..minutes {
        let at = Timestamp::from_millis(minute * 60_000);
        recorder.record(&exposition, &source, at, &[("Invocations", Unit::Count, 1.0)]);
    }
    recorder.record(&exposition, &source, Timestamp::UNIX_EPOCH, &[("Invocations", Unit::Count, f64::NAN)]);
    assert_eq!(recorder.dropped(), 3);
    assert_eq!(drained(&recorder, "Invocations", 0).len(), LATE_MAX + 1);
}
