use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::metric::Metric;
use crate::reader::Window;

/// Ten periods of a minute, all of them past.
const WINDOW: Window = Window { start_s: 0, end_s: 600, period_s: 60, now_s: 10_000 };

fn series(label: &str, values: &[Option<f64>]) -> Figures {
    let points = values.iter().zip(0..).filter_map(|(value, index)| Some((index * 60, (*value)?))).collect();
    Figures { label: label.to_owned(), window: WINDOW, points }
}

/// `m1` is 30, 20, 0, 0 and `m2` is 20, -, 20, -; `sparse` has 2 and 8 in its second and fifth minute.
fn run(text: &str) -> Result<Value, String> {
    let m1 = series("one", &[Some(30.0), Some(20.0), Some(0.0), Some(0.0)]);
    let m2 = series("two", &[Some(20.0), None, Some(20.0), None]);
    let sparse = series("sparse", &[None, Some(2.0), None, None, Some(8.0)]);
    let results = [("m1", m1), ("m2", m2), ("sparse", sparse)];
    let results: BTreeMap<String, Value> =
        results.into_iter().map(|(id, series)| (id.to_owned(), Value::Series(series))).collect();
    let metrics = ["m1".to_owned(), "m2".to_owned()];
    let scope = Scope { results: &results, metrics: &metrics, found: &BTreeMap::new(), window: WINDOW };
    evaluate(&parse(text)?, &scope)
}

#[track_caller]
fn scalar(text: &str) -> f64 {
    match run(text) {
        Ok(Value::Scalar(number)) => number,
        other => panic!("{text}: {other:?}"),
    }
}

/// Minutes and values.
#[track_caller]
fn points(text: &str) -> Vec<(i64, f64)> {
    match run(text) {
        Ok(Value::Series(series)) => series.points.into_iter().map(|(at, value)| (at / 60, value)).collect(),
        other => panic!("{text}: {other:?}"),
    }
}

#[track_caller]
fn wrong(text: &str) -> String {
    run(text).expect_err(text)
}

#[test]
fn operators_bind_as_in_arithmetic() {
    assert_eq!(scalar("1 + 2 * 3 ^ 2 ^ 1 - 10 / 4"), 16.5);
    assert_eq!(scalar("-2 ^ 2"), -4.0);
    assert_eq!(scalar("2 * -3"), -6.0);
    assert_eq!(scalar("(1 + 2) * 3 - 1 - 1"), 7.0);
    assert_eq!(scalar("1.5e2 + .5"), 150.5);
    assert_eq!(scalar("1 + 1 == 2 AND 3 > 2 || 0"), 1.0);
    assert_eq!(scalar("1 < 2 && 2 <= 1"), 0.0);
    assert_eq!(scalar("1 != 1 OR 1 >= 2"), 0.0);
}

#[test]
fn series_combine_where_one_has_a_value() {
    assert_eq!(points("m1 + m2"), [(0, 50.0), (1, 20.0), (2, 20.0), (3, 0.0)]);
    assert_eq!(points("m1 / m2"), [(0, 1.5), (2, 0.0)], "divisions by zero are dropped");
    assert_eq!(points("100 / m2"), [(0, 5.0), (2, 5.0)]);
    assert_eq!(points("-m2 * 2"), [(0, -40.0), (2, -40.0)]);
    // The examples of the user guide.
    assert_eq!(points("m1 < m2"), [(0, 0.0), (1, 0.0), (2, 1.0), (3, 0.0)]);
    assert_eq!(points("m1 >= 30"), [(0, 1.0), (1, 0.0), (2, 0.0), (3, 0.0)]);
    assert_eq!(points("m1 > 15 AND m2 > 15"), [(0, 1.0), (1, 0.0), (2, 0.0), (3, 0.0)]);
}

#[test]
fn aggregates_of_a_series_are_numbers_and_of_an_array_series() {
    assert_eq!(
        [scalar("SUM(m1)"), scalar("AVG(m1)"), scalar("MIN(m1)"), scalar("MAX(m1)")],
        [50.0, 12.5, 0.0, 30.0]
    );
    assert!((scalar("STDDEV(m1)") - 12.990_381).abs() < 1e-6);
    assert_eq!(points("SUM(METRICS())"), [(0, 50.0), (1, 20.0), (2, 20.0), (3, 0.0)]);
    assert_eq!(points("AVG([m1, m2])"), [(0, 25.0), (1, 10.0), (2, 10.0), (3, 0.0)]);
    assert_eq!(points("MAX([m1, m2])"), [(0, 30.0), (1, 20.0), (2, 20.0), (3, 0.0)]);
    assert_eq!(points("MIN([m1, m2])"), [(0, 20.0), (1, 20.0), (2, 0.0), (3, 0.0)]);
    assert_eq!(points("STDDEV([m1, m2])"), [(0, 5.0), (1, 0.0), (2, 10.0), (3, 0.0)]);
    assert_eq!(points("m1 - AVG(m1)")[0], (0, 17.5));
    assert_eq!(points("SUM(100 / [m1, m2])"), [(0, 100.0 / 30.0 + 5.0), (1, 5.0), (2, 5.0)]);
    assert_eq!(points("SUM(METRICS(\"2\"))"), [(0, 20.0), (2, 20.0)]);
    assert_eq!(scalar("METRIC_COUNT(METRICS())"), 2.0);
    assert_eq!(points("FIRST(METRICS()) - LAST(METRICS())")[0], (0, 10.0));
}

#[test]
fn functions_of_series() {
    assert_eq!(points("ABS(0 - m2)"), [(0, 20.0), (2, 20.0)]);
    assert_eq!(points("CEIL(m2 / 3)"), [(0, 7.0), (2, 7.0)]);
    assert_eq!(points("FLOOR(m2 / 3)"), [(0, 6.0), (2, 6.0)]);
    assert_eq!(points("DIFF(m1)"), [(1, -10.0), (2, -20.0), (3, 0.0)]);
    assert_eq!(points("RATE(sparse)"), [(4, 6.0 / 180.0)]);
    assert_eq!(points("RUNNING_SUM(m1)"), [(0, 30.0), (1, 50.0), (2, 50.0), (3, 50.0)]);
    assert_eq!(points("m2 / PERIOD(m2)"), [(0, 20.0 / 60.0), (2, 20.0 / 60.0)]);
    assert_eq!(points("TIME_SERIES(7)").len(), 10);
}

#[test]
fn gaps_are_filled() {
    assert_eq!(points("FILL(m1, 9)")[3..5], [(3, 0.0), (4, 9.0)]);
    assert_eq!(points("FILL(m1, 9)").len(), 10);
    assert_eq!(points("FILL(sparse, REPEAT)")[..4], [(1, 2.0), (2, 2.0), (3, 2.0), (4, 8.0)]);
    assert_eq!(points("FILL(sparse, LINEAR)"), [(1, 2.0), (2, 4.0), (3, 6.0), (4, 8.0)]);
    assert_eq!(points("FILL(sparse, m1)"), [(0, 30.0), (1, 2.0), (2, 0.0), (3, 0.0), (4, 8.0)]);
    assert_eq!(points("FILL(m2, MAX(m1))")[1], (1, 30.0));
    assert_eq!(points("SUM(FILL(METRICS(), 1))")[4], (4, 2.0));
}

#[test]
fn conditions_choose_point_by_point() {
    assert_eq!(points("IF(m1 > 15, m1, 0)"), [(0, 30.0), (1, 20.0), (2, 0.0), (3, 0.0)]);
    assert_eq!(points("IF(m1 > 15, m1)"), [(0, 30.0), (1, 20.0)]);
    assert_eq!(points("IF(m1, m2, 5)"), [(0, 20.0), (2, 5.0), (3, 5.0)]);
    assert_eq!(points("IF(1 > 0, m1, m2)").len(), 4);
}

#[test]
fn what_is_wrong_is_said() {
    assert_eq!(wrong("m1 +"), "The expression ends too early.");
    assert_eq!(wrong("SUM(m1"), "')' is missing.");
    assert_eq!(wrong("m1 m2"), "Unexpected m2.");
    assert_eq!(wrong("m1 § 2"), "Unexpected '§'.");
    assert_eq!(wrong("m9"), "There is no metric or expression with the id m9.");
    assert_eq!(wrong("SORT(METRICS(), AVG, DESC)"), "The function SORT is not supported by Lambent yet.");
    assert_eq!(wrong("sum(m1)"), "There is no function sum.");
    assert_eq!(wrong("SUM(1)"), "A time series is needed, not a number.");
    assert_eq!(wrong("METRICS() + METRICS()"), "Operators do not combine two arrays of time series.");
    assert_eq!(wrong("'text"), "' is not closed.");
    assert!(wrong(&format!("{}m1", "(".repeat(2_000))).contains("nested too deep"));
    assert!(wrong(&format!("{}m1", "-".repeat(2_000))).contains("nested too deep"));
    assert!(wrong(&format!("{}m1", "2^".repeat(1_000))).contains("nested too deep"));
}

fn metric(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Metric {
    let dimensions =
        dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Metric::new(
        &ids::AccountId::parse("000000000000").expect("parses"),
        &ids::Region::parse("us-east-1").expect("parses"),
        namespace,
        name,
        dimensions,
    )
}

fn search(query: &str) -> Result<Search, String> {
    searches(&parse(&format!("SUM(SEARCH('{query}', 'Sum', 300))"))?).map(|mut all| all.remove(0))
}

#[test]
fn searches_find_what_matches_exactly() {
    let errors = metric("AWS/Lambda", "Errors", &[("FunctionName", "f(1)")]);
    let total = metric("AWS/Lambda", "Errors", &[]);
    let mine = metric("My Namespace", "Errors", &[("Dimension@Name", "x"), ("Other", "y")]);
    let found = |query: &str| {
        let search = search(query).expect(query);
        [&errors, &total, &mine].map(|metric| search.matches(metric))
    };
    assert_eq!(found(" {AWS/Lambda,FunctionName} MetricName=\"Errors\" "), [true, false, false]);
    assert_eq!(found("{AWS/Lambda}"), [true, true, false]);
    assert_eq!(found("MetricName=\"Errors\""), [true, true, true]);
    assert_eq!(found("MetricName=\"errors\""), [false, false, false]);
    assert_eq!(
        found("{\"My Namespace\", Other, \"Dimension@Name\"}, \"Errors\" AND Other=\"y\""),
        [false, false, true]
    );
    assert_eq!(found("FunctionName=\"f\\(1\\)\""), [true, false, false]);
    assert_eq!(found("Namespace=\"AWS/Lambda\" \"FunctionName\""), [true, false, false]);
}

#[test]
fn other_searches_are_refused() {
    for query in [
        "",
        "Errors",
        "MetricName=Errors",
        "\"a\" OR \"b\"",
        "NOT \"a\"",
        "(\"a\")",
        "{AWS/Lambda",
        "{}",
        "\"a",
    ] {
        assert!(search(query).is_err(), "{query}");
    }
    assert!(searches(&parse("SEARCH('{N}', 'Median', 60)").expect("parses")).is_err());
    assert!(searches(&parse("SEARCH('{N}', 'Sum', 61)").expect("parses")).is_err());
    assert!(searches(&parse("SEARCH(m1, 'Sum', 60)").expect("parses")).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[-+*/^()\\[\\],<>=!&|'\"{}a-zA-Z0-9_. é]{0,60}") {
        if let Ok(expression) = parse(&text) {
            let _any = searches(&expression);
            let _any = run(&text);
        }
    }
}
