use proptest::prelude::*;

use super::*;

fn of(values: &[f64]) -> Summary {
    let mut summary = Summary::default();
    for value in values {
        summary.add(*value, 1.0);
    }
    summary
}

#[test]
fn equal_values_take_no_space() {
    let summary = of(&[1.0; 1_000]);
    assert_eq!(summary.distribution(), Some(vec![(1.0, 1_000.0)]));
    let json = serde_json::to_string(&summary).expect("serializes");
    assert_eq!(json, r#"{"count":1000.0,"sum":1000.0,"min":1.0,"max":1.0}"#);
}

#[test]
fn small_whole_numbers_are_exact() {
    let values: Vec<f64> = (0..=256).map(f64::from).collect();
    let distribution = of(&values).distribution().expect("is known");
    let expected: Vec<(f64, f64)> = values.iter().map(|value| (*value, 1.0)).collect();
    assert_eq!(distribution, expected);
}

#[test]
fn a_row_says_the_same_when_it_is_read_again() {
    let summary = of(&[0.1, 0.2, 1e-12, 3e80, 17.0]);
    let json = serde_json::to_string(&summary).expect("serializes");
    assert_eq!(serde_json::from_str::<Summary>(&json).expect("parses"), summary);
}

#[test]
fn percentiles_need_values_that_are_known_and_not_negative() {
    assert_eq!(of(&[1.0, -1.0]).distribution(), None);
    assert_eq!(of(&[-1.0]).distribution(), None);
    assert_eq!(Summary::of_set(2.0, 4.0, 1.0, 3.0).distribution(), None);
    assert_eq!(Summary::of_set(2.0, 4.0, 2.0, 2.0).distribution(), Some(vec![(2.0, 2.0)]));
    let mut known = of(&[1.0, 2.0]);
    known.merge(&Summary::of_set(2.0, 4.0, 1.0, 3.0));
    assert_eq!((known.count, known.sum, known.distribution()), (4.0, 7.0, None));
}

#[test]
fn whatever_is_measured_takes_bounded_space() {
    let mut summary = Summary::default();
    for exponent in -1_000..1_000 {
        summary.add(1.27_f64.powi(exponent).clamp(1e-108, 1e108), 1.0);
    }
    assert!(summary.buckets.len() <= BUCKETS_MAX);
    assert!(serde_json::to_vec(&summary).expect("serializes").len() < 20_000);
    let counted: f64 = summary.distribution().expect("is known").iter().map(|(_, count)| count).sum();
    assert_eq!(counted, 2_000.0);
}

#[test]
fn durations_over_fourteen_octaves_are_within_a_sixty_fourth() {
    let mut summary = Summary::default();
    for number in 0..16_000 {
        summary.add(f64::from(number) + 1.0, 1.0);
    }
    let found = summary.distribution().expect("is known");
    let mut value = 0.0;
    for (near, count) in found {
        let last = value + count;
        while value < last {
            value += 1.0;
            assert!((near - value).abs() <= value / 64.0, "{near} for {value}");
        }
    }
    assert_eq!(value, 16_000.0);
}

#[test]
fn cleared_it_is_as_new() {
    let mut summary = of(&[1.0, 2.0, -3.0]);
    summary.clear();
    assert_eq!(summary, Summary::default());
    summary.add(5.0, 2.0);
    assert_eq!(summary, { of(&[5.0, 5.0]) });
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), (0..2_000_u32).prop_map(f64::from), 1e-3..1e6, 1e-100..1e100]
}

proptest! {
    // Enough of them are so many values that buckets become wider.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_is_adding(left in prop::collection::vec(value(), 0..400), right in prop::collection::vec(value(), 0..400)) {
        let (mut merged, all) = (of(&left), of(&[left.clone(), right.clone()].concat()));
        merged.merge(&of(&right));
        prop_assert_eq!(merged.count, all.count);
        prop_assert_eq!((merged.minimum, merged.maximum), (all.minimum, all.maximum));
        prop_assert_eq!(merged.distribution(), all.distribution());
    }

    #[test]
    fn values_are_found_within_the_promised_error(values in prop::collection::vec(value(), 1..200)) {
        let found = of(&values).distribution().expect("is known");
        let mut found = found.iter().flat_map(|(value, count)| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
            std::iter::repeat_n(*value, *count as usize)
        });
        let mut sorted = values;
        sorted.sort_by(f64::total_cmp);
        for value in sorted {
            let near = found.next().expect("as many");
            prop_assert!((near - value).abs() <= value / 256.0, "{near} for {value}");
        }
    }
}
