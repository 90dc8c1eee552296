//! `GetMetricStatistics`.

use super::*;

#[tokio::test]
async fn values_are_put_together_by_period_from_the_start_on() {
    let world = World::new();
    for minutes in [1, 2, 3, 4, 61] {
        world.put_values(MINUTE * minutes, &[1.0, 3.0]).await;
    }
    let sums: Vec<_> = world.minutes().await.iter().map(|datapoint| datapoint.sum).collect();
    assert_eq!(sums, [Some(4.0); 4]);

    let query = GetMetricStatisticsInput { period: 3_600, ..world.last_hour() };
    let hours = world.statistics(query).await.unwrap();
    assert_eq!(hours.len(), 1);
    // Periods begin with the start that was asked for, not with the hour.
    assert_eq!(hours[0].timestamp, Some(Timestamp::parse_iso8601("2024-01-31T07:05:00Z").unwrap()));
    assert_eq!((hours[0].sample_count, hours[0].average), (Some(8.0), Some(2.0)));
}

#[tokio::test]
async fn only_what_was_asked_for_is_shown() {
    let world = World::new();
    world.put_values(MINUTE, &[1.0]).await;
    let query = GetMetricStatisticsInput { statistics: Some(vec!["Sum".into()]), ..world.last_hour() };
    let found = world.statistics(query).await.unwrap();
    let expected = Datapoint {
        timestamp: Some(Timestamp::parse_iso8601("2024-01-31T08:04:00Z").unwrap()),
        sum: Some(1.0),
        unit: Some("None".into()),
        ..Default::default()
    };
    assert_eq!(found, [expected]);
}

#[tokio::test]
async fn units_are_kept_apart() {
    let world = World::new();
    for (unit, value) in [("Seconds", 1.0), ("Count", 5.0), ("Bytes/Second", 9.0)] {
        world.put(MetricDatum { unit: Some(unit.into()), ..value_of("m", value) }).await.unwrap();
    }
    let shown: Vec<_> = world
        .minutes()
        .await
        .into_iter()
        .map(|datapoint| (datapoint.unit.unwrap().as_str().to_owned(), datapoint.sum.unwrap()))
        .collect();
    let expected = [("Bytes/Second".to_owned(), 9.0), ("Count".to_owned(), 5.0), ("Seconds".to_owned(), 1.0)];
    assert_eq!(shown, expected);
    for (unit, count) in [("Count", 1), ("Bytes", 0)] {
        let query = GetMetricStatisticsInput { unit: Some(unit.into()), ..world.last_hour() };
        assert_eq!(world.statistics(query).await.unwrap().len(), count);
    }
}

#[tokio::test]
async fn dimensions_must_be_just_those_of_the_metric() {
    let world = World::new();
    let both = dimensions(&[("a", "1"), ("b", "2")]);
    world.put(MetricDatum { dimensions: both, ..value_of("m", 1.0) }).await.unwrap();
    for (asked, count) in [
        (dimensions(&[("b", "2"), ("a", "1")]), 1),
        (dimensions(&[("a", "1")]), 0),
        (dimensions(&[("a", "1"), ("b", "3")]), 0),
        (None, 0),
    ] {
        let query = GetMetricStatisticsInput { dimensions: asked, ..world.last_hour() };
        assert_eq!(world.statistics(query).await.unwrap().len(), count);
    }
    let mut elsewhere = World::new();
    elsewhere.context = context("000000000000", "eu-west-1");
    assert_eq!(elsewhere.listed().await, [] as [String; 0]);
}

#[tokio::test]
async fn percentiles_and_their_kin() {
    let world = World::new();
    let values: Vec<f64> = (1..=100).map(f64::from).collect();
    world.put_values(MINUTE, &values).await;
    let names = ["p50", "p99.9", "tm90", "TM(10%:90%)", "IQM", "PR(:30)", "tc90", "ts90", "wm98"];
    let query = GetMetricStatisticsInput {
        statistics: None,
        extended_statistics: Some(names.map(str::to_owned).to_vec()),
        ..world.last_hour()
    };
    let found = world.statistics(query).await.unwrap();
    let extended = found[0].extended_statistics.as_ref().unwrap();
    let expected = [50.0, 100.0, 45.5, 50.5, 50.5, 30.0, 90.0, 4_095.0, 50.47];
    for (name, expected) in names.iter().zip(expected) {
        assert!((extended[*name] - expected).abs() < 1e-9, "{name}: {}", extended[*name]);
    }
    assert_eq!(found[0].average, None);

    // Of a set of statistics the values are not known.
    let set = api_cloudwatch::StatisticSet { sample_count: 2.0, sum: 4.0, minimum: 1.0, maximum: 3.0 };
    world
        .put(MetricDatum { value: None, statistic_values: Some(set), ..value_of("set", 0.0) })
        .await
        .unwrap();
    let query = GetMetricStatisticsInput {
        metric_name: "set".to_owned(),
        statistics: None,
        extended_statistics: Some(vec!["p50".to_owned()]),
        ..world.last_hour()
    };
    assert_eq!(world.statistics(query).await.unwrap(), []);
}

#[tokio::test]
async fn high_resolution_is_for_metrics_that_have_it_and_for_three_hours() {
    let world = World::new();
    for seconds in [1, 2, 12] {
        let at = Some(world.now() - Duration::from_secs(seconds));
        let datum = MetricDatum { storage_resolution: Some(1), timestamp: at, ..value_of("m", 1.0) };
        world.put(datum).await.unwrap();
    }
    world.put(value_of("minute", 1.0)).await.unwrap();
    let count = async |name: &str, period: i32| {
        let query = GetMetricStatisticsInput {
            metric_name: name.to_owned(),
            start_time: START - HOUR / 4,
            end_time: START + MINUTE,
            period,
            ..world.last_hour()
        };
        world.statistics(query).await.unwrap().len()
    };
    assert_eq!([count("m", 1).await, count("m", 10).await, count("m", 60).await], [3, 2, 2]);
    assert_eq!([count("minute", 10).await, count("minute", 60).await], [0, 1]);
    world.advance(HOUR * 4).await;
    assert_eq!([count("m", 1).await, count("m", 10).await, count("m", 60).await], [0, 0, 2]);
}

#[tokio::test]
async fn what_is_old_is_shown_by_longer_periods_only() {
    let world = World::new();
    world.put_values(Duration::ZERO, &[1.0]).await;
    for (days, shortest) in [(14, 60), (16, 300), (64, 3_600), (454, 3_600)] {
        world.clock.advance_to(START + DAY * days).await;
        for period in [60, 300, 3_600] {
            let query = GetMetricStatisticsInput {
                start_time: START - HOUR,
                end_time: START + HOUR,
                period,
                ..world.last_hour()
            };
            let expected = usize::from(period >= shortest);
            assert_eq!(world.statistics(query).await.unwrap().len(), expected, "{period} after {days} days");
        }
    }
}

#[tokio::test]
async fn a_day_of_minutes_may_be_asked_for_wherever_it_begins() {
    let world = World::new();
    world.put_values(DAY, &[1.0]).await;
    let query = GetMetricStatisticsInput {
        start_time: world.now() - DAY,
        end_time: world.now(),
        ..world.last_hour()
    };
    assert_eq!(world.statistics(query).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_said_in_awss_words() {
    let world = World::new();
    let ask = async |change: fn(&mut GetMetricStatisticsInput)| {
        let mut query = world.last_hour();
        change(&mut query);
        world.statistics(query).await
    };
    refused(
        ask(|query| query.end_time = query.start_time).await,
        "InvalidParameterValue",
        "The parameter StartTime must be less than the parameter EndTime.",
    );
    refused(
        ask(|query| query.start_time = query.start_time - DAY).await,
        "InvalidParameterCombination",
        "You have requested up to 1501 datapoints, which exceeds the limit of 1440. You may reduce the datapoints \
         requested by increasing Period, or decreasing the time range.",
    );
    refused(
        ask(|query| query.statistics = None).await,
        "InvalidParameterCombination",
        "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
    );
    refused(
        ask(|query| query.extended_statistics = Some(vec!["p50".to_owned()])).await,
        "InvalidParameterCombination",
        "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.",
    );
    refused(
        ask(|query| {
            query.statistics = None;
            query.extended_statistics = Some(vec!["median".to_owned()]);
        })
        .await,
        "InvalidParameterValue",
        "The value median for parameter ExtendedStatistics is not supported.",
    );
    refused(
        ask(|query| query.period = 90).await,
        "InvalidParameterValue",
        "The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60.",
    );
}
