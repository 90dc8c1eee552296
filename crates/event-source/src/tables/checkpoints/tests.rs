use proptest::prelude::*;

use super::*;

fn keys() -> impl Iterator<Item = String> {
    (0..1_000).map(|number| format!("key-{number}"))
}

#[test]
fn keys_are_spread_evenly() {
    let row = ShardRow::new(10, None);
    for slot in 0..10 {
        let share = keys().filter(|key| row.is_for(slot, key, SequenceNumber(1))).count();
        assert!((70..130).contains(&share), "slot {slot} has {share} of 1,000 keys");
    }
}

#[test]
fn a_key_stays_where_it_was() {
    // Rows on disk rely on it.
    let row = ShardRow::new(10, None);
    let slot = |key: &str| (0..10).find(|slot| row.is_for(*slot, key, SequenceNumber(1)));
    assert_eq!(["a", "b", "customer-17", ""].map(slot), [Some(1), Some(5), Some(7), Some(7)]);
}

#[test]
fn what_all_lanes_have_passed_is_forgotten() {
    let lanes = |numbers: &[u128]| -> Vec<Lane> {
        numbers.iter().map(|number| Lane::after(Some(SequenceNumber(*number)))).collect()
    };
    let row = ShardRow::new(2, None).divide(3, &lanes(&[5, 9]));
    assert_eq!((row.start, row.earlier.len()), (Some(SequenceNumber(5)), 1));
    let row = row.divide(1, &lanes(&[9, 12, 10]));
    assert_eq!((row.start, row.earlier.len()), (Some(SequenceNumber(9)), 1));
    let row = row.divide(2, &lanes(&[12]));
    assert_eq!((row.start, row.earlier.len()), (Some(SequenceNumber(12)), 0));
}

proptest! {
    /// Whatever the numbers of lanes and however far each comes: no record is left out, none is done twice, and those of
    /// one key are done in order.
    #[test]
    fn each_record_is_done_once_and_in_order_by_key(
        rounds in prop::collection::vec((1..11_u32, prop::collection::vec(0..60_u128, 10)), 1..6),
        keys in prop::collection::vec(0..8_u32, 60),
    ) {
        let key = |number: u128| format!("key-{}", keys[usize::try_from(number).unwrap() - 1]);
        let mut done: Vec<u128> = Vec::new();
        let mut row = ShardRow::new(rounds[0].0, None);
        let mut lanes = vec![Lane::after(row.start); rounds[0].0 as usize];
        let last = (10, vec![60_u128; 10]);
        for (index, (slots, progress)) in rounds.iter().chain([&last]).enumerate() {
            if index > 0 {
                row = row.divide(*slots, &lanes);
                lanes = vec![Lane::after(row.start); *slots as usize];
            }
            for (slot, lane) in (0..).zip(&mut lanes) {
                let to = SequenceNumber(progress[slot as usize]);
                let from = lane.done.map_or(1, |done| done.0 + 1);
                for number in from..=to.0 {
                    if row.is_for(slot, &key(number), SequenceNumber(number)) {
                        done.push(number);
                    }
                }
                lane.done = lane.done.max(Some(to));
            }
        }
        let mut sorted = done.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (1..=60).collect::<Vec<_>>());
        for one in 0..8 {
            let of_key: Vec<_> = done.iter().filter(|number| key(**number) == format!("key-{one}")).collect();
            prop_assert!(of_key.is_sorted());
        }
    }
}
