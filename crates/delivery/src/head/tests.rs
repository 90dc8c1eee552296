use std::time::Duration;

use clock::{Clock, VirtualClock};

use super::*;
use crate::Event;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn function(name: &str) -> FunctionArn {
    FunctionArn::parse(&format!("arn:aws:lambda:eu-central-1:000000000000:function:{name}")).unwrap()
}

fn stored(name: &str, number: u128, bytes: usize) -> Stored {
    Stored::new(Event {
        id: RequestId::from_random(number << 90),
        function: function(name),
        payload: vec![b'x'; bytes].into(),
        trace_header: None,
        accepted: NOW,
        failures: 0,
    })
}

fn arrive(head: &mut Head, clock: &VirtualClock, stored: Stored) {
    let function = stored.event.function.clone();
    head.claim(&function, stored.event.id);
    head.arrived(Claimed { stored, function, hold: clock.hold() });
}

fn begin_all(head: &mut Head) -> Vec<Claimed> {
    std::iter::from_fn(|| head.begin()).collect()
}

fn end(head: &mut Head, claimed: &Claimed) {
    head.attempted(&claimed.function, true);
    head.ended(&claimed.function, claimed.stored.event.id);
}

#[test]
fn memory_is_bounded_by_number_and_by_size() {
    let clock = VirtualClock::new(NOW);
    for (bytes, most) in [(10, READY_MAX + 32), (1 << 20, 40)] {
        let mut head = Head::default();
        for number in 0..1_000 {
            arrive(&mut head, &clock, stored("f", number, bytes));
        }
        let in_memory = head.lanes[&function("f")].ready.len();
        assert!(in_memory > 0 && in_memory <= most, "{in_memory}");
        assert!(head.ready_bytes <= READY_BYTES_MAX);
        // What is in memory is claimed, and nothing else.
        assert_eq!(head.lanes[&function("f")].claimed.len(), in_memory);
    }
}

#[test]
fn many_functions_with_large_events_stay_within_memory() {
    let (clock, mut head) = (VirtualClock::new(NOW), Head::default());
    for number in 0..500 {
        arrive(&mut head, &clock, stored(&format!("f{number}"), number, 1 << 20));
    }
    assert!(head.ready_bytes <= 2 * READY_BYTES_MAX);
}

#[test]
fn functions_take_turns_and_none_takes_all() {
    let (clock, mut head) = (VirtualClock::new(NOW), Head::default());
    for number in 0..200 {
        arrive(&mut head, &clock, stored("f", number, 1));
    }
    for number in 200..203 {
        arrive(&mut head, &clock, stored("g", number, 1));
    }
    let begun = begin_all(&mut head);
    let names: Vec<&str> = begun.iter().take(4).map(|claimed| &*claimed.function.name).collect();
    assert_eq!(names, ["f", "g", "f", "g"]);
    assert_eq!(begun.len(), 32 + 3);

    // However well a function does, half of all places stays free.
    let mut running: VecDeque<Claimed> = begun.into();
    for number in 1_000..6_000 {
        if let Some(first) = running.pop_front() {
            end(&mut head, &first);
        }
        if head.lanes[&function("f")].ready.len() < 100 {
            arrive(&mut head, &clock, stored("f", 2 * number, 1));
            arrive(&mut head, &clock, stored("f", 2 * number + 1, 1));
        }
        running.extend(begin_all(&mut head));
    }
    assert_eq!(running.len(), RUNNING_MAX / 2);
    arrive(&mut head, &clock, stored("h", 1, 1));
    assert_eq!(head.begin().unwrap().function.name, "h");
}

#[test]
fn an_event_that_ends_while_rows_are_read_is_not_taken_for_another_one() {
    let (clock, mut head) = (VirtualClock::new(NOW), Head::default());
    let name = function("f");
    arrive(&mut head, &clock, stored("f", 1, 1));
    let claimed = head.begin().unwrap();
    head.discovered(&name, clock.hold());
    let search = head.next_search().unwrap();
    // Its row was read, and then it ends.
    end(&mut head, &claimed);
    assert!(!head.is_unclaimed(&name, claimed.stored.event.id));
    head.searched(&search.function, Searched::All(None));
    assert!(head.is_unclaimed(&name, claimed.stored.event.id));
    assert!(head.lanes.is_empty());
}

#[test]
fn what_arrives_behind_a_search_is_searched_for_again() {
    let (clock, mut head) = (VirtualClock::new(NOW), Head::default());
    let name = function("f");
    head.discovered(&name, clock.hold());
    let search = head.next_search().unwrap();
    assert!(head.next_search().is_none());
    // There is a backlog, so this is in the store only.
    arrive(&mut head, &clock, stored("f", 1, 1));
    assert!(head.begin().is_none());
    head.searched(&name, Searched::All(None));
    assert_eq!(head.next_search().unwrap().from, search.from);
    assert!(head.found(&name, stored("f", 1, 1)));
    let event = head.begin().unwrap();
    head.searched(&name, Searched::All(Some(NOW + Duration::from_secs(9))));
    assert!(head.next_search().is_none());
    assert_eq!(head.next_timer().0, Some(NOW + Duration::from_secs(9)));
    end(&mut head, &event);
}

#[test]
fn a_pause_puts_everything_back_and_ends_on_time() {
    let (clock, mut head) = (VirtualClock::new(NOW), Head::default());
    let name = function("f");
    for number in 0..100 {
        arrive(&mut head, &clock, stored("f", number, 1));
    }
    let until = NOW + Duration::from_secs(1);
    let first = head.begin().unwrap();
    assert_eq!(head.turned_away(first, until), TurnedAway::Until(until));
    assert!(head.begin().is_none());
    assert_eq!((head.ready_bytes, head.pauses(&name)), (0, 1));
    arrive(&mut head, &clock, stored("f", 1_000, 1));
    head.set_timer(&name, NOW + Duration::from_millis(1));
    let (timer, holds) = head.next_timer();
    // Time may go on once the alarm is set.
    assert_eq!((timer, holds.is_empty()), (Some(until), false));

    head.fire(until - Duration::from_micros(1), &clock.hold());
    assert!(head.next_search().is_none());
    head.fire(until, &clock.hold());
    let search = head.next_search().unwrap();
    assert_eq!(search.from, row::of_function(&name).start);
    assert!(head.found(&name, stored("f", 1, 1)));
    assert!(head.begin().is_some());
}

#[test]
fn the_earliest_timer_counts() {
    let mut head = Head::default();
    let (f, g) = (function("f"), function("g"));
    for (name, secs) in [(&f, 60), (&g, 50), (&f, 40), (&f, 70)] {
        head.set_timer(name, NOW + Duration::from_secs(secs));
    }
    assert_eq!(head.next_timer().0, Some(NOW + Duration::from_secs(40)));
    assert_eq!(head.timers.len(), 2);
}
