use std::sync::Arc;

use bytes::Bytes;
use ids::{AccountId, FunctionArn, Region, RequestId};
use targets::{Attempted, MetricSource};

use super::*;
use crate::FunctionResult;

const SECOND: Duration = Duration::from_secs(1);
const ACCEPTED: Timestamp = Timestamp::from_millis(1_000_000_000);

fn after(secs: u64) -> Timestamp {
    ACCEPTED + Duration::from_secs(secs)
}

fn settings(retries: u32, age_secs: u64) -> EventSettings {
    EventSettings {
        maximum_retry_attempts: retries,
        maximum_event_age: Duration::from_secs(age_secs),
        on_success: None,
        on_failure: None,
        dead_letter: None,
        is_switched_off: false,
        metrics: Arc::new(MetricSource {
            account: AccountId::parse("000000000000").unwrap(),
            region: Region::parse("eu-central-1").unwrap(),
            namespace: "AWS/Lambda",
            dimensions: Vec::new(),
        }),
    }
}

fn event(failures: u32) -> Event {
    Event {
        id: RequestId::from_random(1),
        function: FunctionArn::parse("arn:aws:lambda:eu-central-1:000000000000:function:f").unwrap(),
        payload: Bytes::from_static(b"{}"),
        trace_header: None,
        accepted: ACCEPTED,
        failures,
    }
}

fn ran(failed: bool) -> Attempt {
    Attempt::Ran(Box::new(FunctionResult {
        attempted: Attempted {
            number: 0,
            version: "$LATEST".to_owned(),
            duration: SECOND,
            cold: false,
            error: None,
            failed_items: 0,
            log_group: String::new(),
            log_stream: String::new(),
        },
        executed_version: "$LATEST".to_owned(),
        payload: Bytes::from_static(b"null"),
        error: failed.then(|| ("Error".to_owned(), "no".to_owned())),
    }))
}

#[test]
fn a_table_of_cases() {
    use Condition::{EventAgeExceeded, FunctionGone, RecursiveInvocation, RetriesExhausted};
    use NextStep::{GivenUp, RetryAt, Succeeded};
    let day = 21_600;
    let system_error = || Attempt::SystemError("no".to_owned());
    // Retries, maximum age, failures before, deferrals before, the attempt, its end; what follows.
    let cases: Vec<(u32, u64, u32, u32, Attempt, u64, NextStep)> = vec![
        (2, day, 0, 0, ran(false), 0, Succeeded),
        (0, 60, 2, 9, ran(false), 99, Succeeded),
        // A minute after the first attempt, two minutes after the second, none after the third.
        (2, day, 0, 0, ran(true), 0, RetryAt(after(60))),
        (2, day, 0, 0, ran(true), 7, RetryAt(after(67))),
        (2, day, 1, 0, ran(true), 60, RetryAt(after(180))),
        (2, day, 2, 0, ran(true), 180, GivenUp(RetriesExhausted)),
        (1, day, 0, 0, ran(true), 0, RetryAt(after(60))),
        (1, day, 1, 0, ran(true), 60, GivenUp(RetriesExhausted)),
        (0, day, 0, 0, ran(true), 0, GivenUp(RetriesExhausted)),
        // Fewer are allowed than when it was first tried.
        (0, day, 1, 0, ran(true), 60, GivenUp(RetriesExhausted)),
        // As observed on AWS: 60 seconds have no room for a retry, 90 for one.
        (2, 60, 0, 0, ran(true), 0, GivenUp(EventAgeExceeded)),
        (2, 61, 0, 0, ran(true), 0, RetryAt(after(60))),
        (2, 90, 0, 0, ran(true), 0, RetryAt(after(60))),
        (2, 90, 1, 0, ran(true), 60, GivenUp(EventAgeExceeded)),
        // The retries come first.
        (0, 60, 0, 0, ran(true), 0, GivenUp(RetriesExhausted)),
        // Turned away: a second, doubled up to five minutes; retries do not matter.
        (0, day, 0, 0, Attempt::Throttled, 0, RetryAt(after(1))),
        (0, day, 5, 1, Attempt::Throttled, 1, RetryAt(after(3))),
        (2, day, 0, 8, system_error(), 0, RetryAt(after(256))),
        (2, day, 0, 9, system_error(), 0, RetryAt(after(300))),
        (2, day, 0, 4_000_000_000, system_error(), 0, RetryAt(after(300))),
        // It waits for the end of its age at most, and is given up then.
        (2, 60, 0, 6, Attempt::Throttled, 50, RetryAt(after(60))),
        (2, 60, 0, 6, Attempt::Throttled, 60, GivenUp(EventAgeExceeded)),
        (2, 60, 0, 0, system_error(), 61, GivenUp(EventAgeExceeded)),
        (2, day, 0, 0, Attempt::LoopStopped, 0, GivenUp(RecursiveInvocation)),
        (2, day, 0, 0, Attempt::Gone, 0, GivenUp(FunctionGone)),
    ];
    for (index, (retries, age, failures, deferrals, attempt, now, expected)) in cases.into_iter().enumerate()
    {
        let step = next_step(&settings(retries, age), &event(failures), deferrals, &attempt, after(now));
        assert_eq!(step, expected, "case {index}: {attempt:?}");
    }
}

#[test]
fn what_is_not_attempted() {
    let settings = settings(2, 60);
    assert_eq!(before_attempt(&settings, &event(0), after(59)), None);
    assert_eq!(before_attempt(&settings, &event(0), after(60)), Some(Condition::EventAgeExceeded));
    let off = EventSettings { is_switched_off: true, ..settings };
    assert_eq!(before_attempt(&off, &event(0), after(0)), Some(Condition::ZeroReservedConcurrency));
    assert_eq!(before_attempt(&off, &event(0), after(60)), Some(Condition::ZeroReservedConcurrency));
}

#[test]
fn a_receiver_is_tried_a_few_times() {
    let waits: Vec<_> = (1..).map_while(hand_over_wait).collect();
    assert_eq!(waits, HAND_OVER_WAITS);
    assert_eq!(hand_over_wait(0), None);
}
