use proptest::prelude::*;

use super::*;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn secs(secs: u64) -> Timestamp {
    START + Duration::from_secs(secs)
}

/// Records 1, 2, ..., each a second after the one before.
fn batch(count: u64) -> Vec<Item> {
    (1..=count)
        .map(|number| Item { sequence_number: SequenceNumber(number.into()), arrived: secs(number) })
        .collect()
}

fn limits() -> Limits {
    Limits { bisects: false, maximum_retry_attempts: None, maximum_record_age: None }
}

fn response() -> Response {
    Response { request_id: "r".to_owned(), executed_version: "$LATEST".to_owned(), is_error: true }
}

fn failures(failures: u32) -> Tries {
    Tries { failures, ..Tries::default() }
}

fn failed_from(index: usize) -> Outcome {
    Outcome::Failed(index, response())
}

#[test]
fn success_leaves_nothing() {
    let next = next_step(&limits(), &failures(3), &batch(2), Outcome::Succeeded, START);
    assert_eq!(next, NextStep::Done);
}

#[test]
fn waits_double_up_to_a_minute() {
    let waits: Vec<u64> = (1..=9).map(|failures| wait(failures).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(wait(u32::MAX).as_secs(), 60);
}

#[test]
fn a_failed_batch_is_tried_again_as_a_whole() {
    let NextStep::Again(0, pieces) = next_step(&limits(), &failures(2), &batch(3), failed_from(0), START)
    else {
        panic!("not again")
    };
    assert_eq!(pieces.len(), 1);
    assert_eq!((pieces[0].last, pieces[0].records), (SequenceNumber(3), 3));
    assert_eq!(pieces[0].tries.failures, 3);
    assert_eq!(pieces[0].tries.due, Some(secs(4)));
}

#[test]
fn n_retries_are_n_plus_one_attempts() {
    let limits = Limits { maximum_retry_attempts: Some(2), ..limits() };
    let again = |before| next_step(&limits, &failures(before), &batch(3), failed_from(0), START);
    assert!(matches!(again(0), NextStep::Again(0, _)));
    assert!(matches!(again(1), NextStep::Again(0, _)));
    let NextStep::GivenUp(Condition::RetryAttemptsExhausted, tries) = again(2) else {
        panic!("not given up")
    };
    assert_eq!((tries.failures, tries.response), (3, Some(response())));
}

#[test]
fn what_cannot_be_run_uses_up_no_retry() {
    let limits = Limits { maximum_retry_attempts: Some(0), bisects: true, ..limits() };
    let mut tries = failures(0);
    for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
        let next = next_step(&limits, &tries, &batch(2), Outcome::TurnedAway, START);
        let NextStep::Again(0, pieces) = next else { panic!("not again") };
        assert_eq!(pieces.len(), 1);
        tries = pieces[0].tries.clone();
        assert_eq!((tries.failures, tries.due), (0, Some(secs(expected))));
    }
}

#[test]
fn halves_begin_anew_and_at_once() {
    let limits = Limits { bisects: true, maximum_retry_attempts: Some(0), ..limits() };
    let NextStep::Again(0, pieces) = next_step(&limits, &failures(0), &batch(5), failed_from(0), START)
    else {
        panic!("not again")
    };
    let shape: Vec<_> = pieces.iter().map(|piece| (piece.last.0, piece.records)).collect();
    assert_eq!(shape, [(3, 3), (5, 2)]);
    assert!(pieces.iter().all(|piece| piece.tries == Tries::default()));
}

#[test]
fn one_record_is_not_split() {
    let limits = Limits { bisects: true, maximum_retry_attempts: Some(1), ..limits() };
    let next = next_step(&limits, &failures(0), &batch(1), failed_from(0), START);
    assert!(matches!(next, NextStep::Again(0, pieces) if pieces.len() == 1 && pieces[0].tries.failures == 1));
    let next = next_step(&limits, &failures(1), &batch(1), failed_from(0), START);
    assert!(matches!(next, NextStep::GivenUp(..)));
}

#[test]
fn a_partial_response_splits_before_the_record_that_failed() {
    for bisects in [false, true] {
        let limits = Limits { bisects, maximum_retry_attempts: Some(0), ..limits() };
        let NextStep::Again(2, pieces) = next_step(&limits, &failures(0), &batch(5), failed_from(2), START)
        else {
            panic!("not again")
        };
        assert_eq!((pieces.len(), pieces[0].records, &pieces[0].tries), (1, 3, &Tries::default()));
    }
}

#[test]
fn the_oldest_records_get_too_old_first() {
    let limits = Limits { maximum_record_age: Some(Duration::from_secs(60)), ..limits() };
    let ages = [60, 61, 62, 63, 90].map(|now| too_old(&limits, &batch(3), secs(now)));
    assert_eq!(ages, [0, 1, 2, 3, 3]);
    assert_eq!(too_old(&self::limits(), &batch(3), secs(1_000_000)), 0);
}

#[test]
fn a_wait_ends_when_all_records_are_too_old() {
    let limits = Limits { maximum_record_age: Some(Duration::from_secs(60)), ..limits() };
    let piece = |due| piece(&batch(3), Tries { due: Some(secs(due)), ..Tries::default() });
    assert_eq!(wake_at(&limits, &piece(50)), Some(secs(50)));
    assert_eq!(wake_at(&limits, &piece(100)), Some(secs(63)));
    assert_eq!(wake_at(&self::limits(), &piece(100)), Some(secs(100)));
}

/// Runs a batch until nothing is left of it, with a function that fails when it meets one of the bad records. Which
/// records succeeded, which were given up, in order; and how many attempts there were with each bad one alone.
fn play(limits: &Limits, count: u64, bad: &[u64], reports: bool) -> (Vec<u64>, Vec<u64>, Vec<u32>) {
    let all = batch(count);
    let (mut done, mut lost, mut alone) = (Vec::new(), Vec::new(), vec![0; bad.len()]);
    let mut now = secs(count);
    let mut pieces = std::collections::VecDeque::from([piece(&all, Tries::default())]);
    let mut next = 0;
    while let Some(piece) = pieces.pop_front() {
        now = piece.tries.due.map_or(now, |due| now.max(due));
        let batch = &all[next..next + piece.records];
        assert_eq!(batch.last().map(|item| item.sequence_number), Some(piece.last));
        let number = |item: &Item| u64::try_from(item.sequence_number.0).unwrap();
        let first_bad = batch.iter().position(|item| bad.contains(&number(item)));
        if let ([only], Some(_)) = (batch, first_bad) {
            alone[bad.iter().position(|bad| *bad == number(only)).unwrap()] += 1;
        }
        let outcome = match first_bad {
            None => Outcome::Succeeded,
            Some(index) => failed_from(if reports { index } else { 0 }),
        };
        let step = next_step(limits, &piece.tries, batch, outcome, now);
        let (succeeded, given_up, again) = match step {
            NextStep::Done => (batch.len(), 0, Vec::new()),
            NextStep::Again(done, pieces) => (done, 0, pieces),
            NextStep::GivenUp(..) => (0, batch.len(), Vec::new()),
        };
        done.extend(batch[..succeeded].iter().map(number));
        lost.extend(batch[succeeded..succeeded + given_up].iter().map(number));
        next += succeeded + given_up;
        let left: usize = again.iter().map(|piece| piece.records).sum();
        assert_eq!(succeeded + given_up + left, batch.len(), "every record has one fate");
        again.into_iter().rev().for_each(|piece| pieces.push_front(piece));
    }
    (done, lost, alone)
}

proptest! {
    #[test]
    fn bisecting_gives_up_the_bad_records_and_no_others(
        count in 1..200_u64,
        bad in prop::collection::btree_set(1..200_u64, 0..6),
        retries in 0..4_u32,
        reports: bool,
    ) {
        let bad: Vec<u64> = bad.into_iter().filter(|bad| *bad <= count).collect();
        let limits = Limits { bisects: true, maximum_retry_attempts: Some(retries), ..limits() };
        let (done, lost, alone) = play(&limits, count, &bad, reports);
        prop_assert_eq!(&lost, &bad);
        prop_assert_eq!(done, (1..=count).filter(|number| !bad.contains(number)).collect::<Vec<_>>());
        prop_assert!(alone.iter().all(|attempts| *attempts == retries + 1), "{:?}", alone);
    }

    #[test]
    fn without_bisecting_nothing_before_the_bad_record_is_given_up_when_it_is_reported(
        count in 1..100_u64,
        bad in 1..100_u64,
        retries in 0..4_u32,
    ) {
        prop_assume!(bad <= count);
        let limits = Limits { maximum_retry_attempts: Some(retries), ..limits() };
        let (done, lost, _) = play(&limits, count, &[bad], true);
        prop_assert_eq!(done, (1..bad).collect::<Vec<_>>());
        prop_assert_eq!(lost, (bad..=count).collect::<Vec<_>>());
    }
}
