//! `PutMetricData`.

use api_cloudwatch::{EntityMetricData, PutMetricDataInput, StatisticSet};

use super::*;

#[tokio::test]
async fn all_forms_of_values_add_up() {
    let world = World::new();
    world.put(value_of("m", 11.0)).await.unwrap();
    let set = StatisticSet { sample_count: 10.0, sum: 55.0, minimum: 1.0, maximum: 10.0 };
    world.put(MetricDatum { value: None, statistic_values: Some(set), ..value_of("m", 0.0) }).await.unwrap();
    let datum = MetricDatum {
        value: None,
        values: Some(vec![2.0, 20.0]),
        counts: Some(vec![3.0, 1.0]),
        ..value_of("m", 0.0)
    };
    world.put(datum).await.unwrap();
    world.put(MetricDatum { value: None, values: Some(vec![7.5]), ..value_of("m", 0.0) }).await.unwrap();

    let minutes = world.minutes().await;
    assert_eq!(minutes.len(), 1);
    let minute = &minutes[0];
    assert_eq!(minute.timestamp, Some(Timestamp::parse_iso8601("2024-01-31T08:05:00Z").unwrap()));
    assert_eq!(minute.unit, Some("None".into()));
    assert_eq!((minute.sample_count, minute.sum), (Some(16.0), Some(99.5)));
    assert_eq!((minute.minimum, minute.maximum), (Some(1.0), Some(20.0)));
    assert_eq!(minute.average, Some(99.5 / 16.0));
}

#[tokio::test]
async fn aws_takes_values_and_a_set_in_one_datum() {
    let world = World::new();
    let set = StatisticSet { sample_count: 10.0, sum: 55.0, minimum: 1.0, maximum: 10.0 };
    let datum = MetricDatum {
        value: None,
        values: Some(vec![1.0, 10.0]),
        statistic_values: Some(set),
        ..value_of("m", 0.0)
    };
    world.put(datum).await.unwrap();
    assert_eq!(world.minutes().await[0].sample_count, Some(12.0));
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "most of it is a table")]
async fn what_is_wrong_with_a_datum_is_said_in_awss_words() {
    let world = World::new();
    let datum = || value_of("m", 1.5);
    let none = || MetricDatum { value: None, ..datum() };
    let set =
        |count, minimum, maximum| Some(StatisticSet { sample_count: count, sum: 55.0, minimum, maximum });
    for (datum, code, message) in [
        (
            MetricDatum { values: Some(vec![1.0, 10.0]), ..datum() },
            "InvalidParameterCombination",
            "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you \
             have specified both.",
        ),
        (
            MetricDatum { statistic_values: set(10.0, 1.0, 10.0), ..datum() },
            "InvalidParameterCombination",
            "The parameters MetricData.member.1.Value and MetricData.member.1.StatisticValues are mutually exclusive \
             and you have specified both.",
        ),
        (
            MetricDatum { values: Some(vec![1.0, 10.0]), counts: Some(vec![2.0, 4.0, 5.0]), ..none() },
            "InvalidParameterValue",
            "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.",
        ),
        (
            MetricDatum { values: Some(vec![1.0; 151]), ..none() },
            "InvalidParameterValue",
            "The collection MetricData.member.1.Values must not have a size greater than 150.",
        ),
        (
            MetricDatum { value: Some(f64::NAN), ..datum() },
            "InvalidParameterValue",
            "The value NaN for parameter MetricData.member.1.Value is invalid.",
        ),
        (
            MetricDatum { values: Some(vec![1.0]), counts: Some(vec![-1.0]), ..none() },
            "InvalidParameterValue",
            "The value -1 for parameter MetricData.member.1.Counts.member.1 is invalid.",
        ),
        (
            MetricDatum { statistic_values: set(10.0, 10.0, 1.0), ..none() },
            "InvalidParameterValue",
            "The parameter MetricData.member.1.StatisticValues.Maximum must be greater than \
             MetricData.member.1.StatisticValues.Minimum.",
        ),
        (
            none(),
            "InvalidParameterCombination",
            "At least one of the parameters MetricData.member.1.Values, MetricData.member.1.StatisticValues and \
             MetricData.member.1.Value must be specified.",
        ),
        (
            MetricDatum { storage_resolution: Some(30), ..datum() },
            "InvalidParameterValue",
            "The parameter MetricData.member.1.StorageResolution must be a value in the set [ 1, 60 ].",
        ),
        (
            MetricDatum { timestamp: Some(world.now() - DAY * 14 - MINUTE), ..datum() },
            "InvalidParameterValue",
            "The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks.",
        ),
        (
            MetricDatum { timestamp: Some(world.now() + HOUR * 2 + MINUTE), ..datum() },
            "InvalidParameterValue",
            "The parameter MetricData.member.1.Timestamp must specify a time no more than two hours in the future.",
        ),
        (
            MetricDatum { dimensions: dimensions(&[("a", "1"), ("a", "2")]), ..datum() },
            "InvalidParameterValue",
            "No metric may specify the same dimension name twice.",
        ),
    ] {
        refused(world.put(datum).await, code, message);
    }
    for limit in [2.0_f64.powi(360), -(2.0_f64.powi(360))] {
        world.put(value_of("limit", limit)).await.unwrap();
        assert!(world.put(value_of("limit", limit * 1.000_001)).await.is_err());
    }
    for text in ["\u{7}", "é", ":a", "  "] {
        let datum = MetricDatum { dimensions: dimensions(&[("a", text)]), ..datum() };
        assert_eq!(world.put(datum).await.unwrap_err().code(), "InvalidParameterValue", "{text:?}");
    }
    assert_eq!(world.minutes().await, [], "nothing of a refused request counts");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let world = World::new();
    let reserved = world.put_all("AWS/Lambda", vec![value_of("m", 1.0)]).await;
    refused(reserved, "InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid.");
    refused(
        world.put_all("N", Vec::new()).await,
        "MissingParameter",
        "The parameter MetricData is required.",
    );
    let many = world.put_all("N", vec![value_of("m", 1.0); 1_001]).await;
    let text = "The collection MetricData must not have a size greater than 1000.";
    refused(many, "InvalidParameterValue", text);
    world.put_all("N", vec![value_of("m", 1.0); 1_000]).await.unwrap();
    let entities = PutMetricDataInput {
        namespace: "N".to_owned(),
        entity_metric_data: Some(vec![EntityMetricData::default()]),
        ..Default::default()
    };
    let answer = world.cloudwatch.put_metric_data(&world.context, entities).await;
    refused(answer, "InvalidParameterValue", "EntityMetricData is not supported by Lambent yet.");
}

#[tokio::test]
async fn values_of_the_past_and_the_future_count_in_their_minute() {
    let world = World::new();
    for at in [world.now() - DAY * 13, world.now() + HOUR + MINUTE] {
        world.put(MetricDatum { timestamp: Some(at), ..value_of("m", 4.0) }).await.unwrap();
        let query = GetMetricStatisticsInput { start_time: at, end_time: at + MINUTE, ..world.last_hour() };
        let found = world.statistics(query).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].sum, Some(4.0));
    }
}
