//! `GetMetricData`.

use super::*;

/// Ids, labels and values.
fn shown(output: &GetMetricDataOutput) -> Vec<(String, String, Vec<f64>)> {
    let results = output.metric_data_results.as_ref().unwrap();
    let show = |result: &api_cloudwatch::MetricDataResult| {
        assert_eq!(result.timestamps.as_ref().unwrap().len(), result.values.as_ref().unwrap().len());
        (result.id.clone().unwrap(), result.label.clone().unwrap(), result.values.clone().unwrap())
    };
    results.iter().map(show).collect()
}

fn result(id: &str, label: &str, values: &[f64]) -> (String, String, Vec<f64>) {
    (id.to_owned(), label.to_owned(), values.to_vec())
}

/// `requests` of three minutes are 10, 20 and 40, `errors` of the last two 1 and 4.
async fn with_requests() -> World {
    let world = World::new();
    for (name, values) in [("requests", &[40.0, 20.0, 10.0][..]), ("errors", &[4.0, 1.0])] {
        for (value, minutes) in values.iter().zip(1..) {
            let at = Some(world.now() - MINUTE * minutes);
            world.put(MetricDatum { timestamp: at, ..value_of(name, *value) }).await.unwrap();
        }
    }
    world
}

#[tokio::test]
async fn metrics_and_what_is_computed_from_them() {
    let world = with_requests().await;
    let hidden = MetricDataQuery { return_data: Some(false), ..metric_query("requests", "requests", "Sum") };
    let labelled =
        MetricDataQuery { label: Some("Share".to_owned()), ..expression_query("share", "percent / 100") };
    let answer = world
        .data(vec![
            labelled,
            expression_query("percent", "errors / requests * 100"),
            hidden,
            metric_query("errors", "errors", "Sum"),
        ])
        .await
        .unwrap();
    let expected = [
        result("share", "Share", &[0.0, 0.05, 0.1]),
        result("percent", "percent", &[0.0, 5.0, 10.0]),
        result("errors", "errors", &[1.0, 4.0]),
    ];
    assert_eq!(shown(&answer), expected);
    assert_eq!(answer.messages, Some(Vec::new()));
}

#[tokio::test]
async fn arrays_are_several_results() {
    let world = with_requests().await;
    let metrics = || vec![metric_query("a1", "requests", "Sum"), metric_query("a2", "errors", "Sum")];
    let doubled =
        MetricDataQuery { label: Some("double".to_owned()), ..expression_query("e", "METRICS() * 2") };
    let mut queries = metrics();
    queries.iter_mut().for_each(|query| query.return_data = Some(false));
    queries.push(doubled);
    let expected =
        [result("e", "double requests", &[20.0, 40.0, 80.0]), result("e", "double errors", &[2.0, 8.0])];
    assert_eq!(shown(&world.data(queries).await.unwrap()), expected);

    let search = expression_query("s", "SEARCH('{N} MetricName=\"errors\"', 'Sum', 60)");
    assert_eq!(shown(&world.data(vec![search]).await.unwrap()), [result("s", "errors", &[1.0, 4.0])]);
    let sum = expression_query("s", "SUM(SEARCH('{N}', 'Sum', 60))");
    assert_eq!(shown(&world.data(vec![sum]).await.unwrap()), [result("s", "s", &[10.0, 21.0, 44.0])]);
}

#[tokio::test]
async fn labels_name_what_differs() {
    let world = World::new();
    world.put_values(Duration::ZERO, &[0.0, 2.0, 7.0, 100.0]).await;
    let labels = async |pairs: [(&str, i32); 2]| {
        let queries = pairs.iter().zip(["a", "b"]).map(|((stat, period), id)| {
            let mut query = metric_query(id, "m", stat);
            query.metric_stat.as_mut().unwrap().period = *period;
            query
        });
        let answer = world.data(queries.collect()).await.unwrap();
        shown(&answer).into_iter().map(|(_, label, _)| label).collect::<Vec<_>>()
    };
    assert_eq!(labels([("Sum", 60), ("Minimum", 30)]).await, ["m Sum 60", "m Minimum 30"]);
    assert_eq!(labels([("Sum", 60), ("Minimum", 60)]).await, ["m Sum", "m Minimum"]);
    assert_eq!(labels([("Sum", 60), ("Sum", 30)]).await, ["m 60", "m 30"]);
    assert_eq!(labels([("Sum", 60), ("Sum", 60)]).await, ["m", "m"]);
}

#[tokio::test]
async fn of_several_units_one_is_shown_and_all_are_named() {
    let world = World::new();
    for (unit, value) in [("Seconds", 60.0), ("Milliseconds", 60_000.0)] {
        world.put(MetricDatum { unit: Some(unit.into()), ..value_of("m", value) }).await.unwrap();
    }
    let answer = world.data(vec![metric_query("a", "m", "Sum")]).await.unwrap();
    let result = &answer.metric_data_results.as_ref().unwrap()[0];
    assert_eq!(result.values, Some(vec![60_000.0]));
    let message = &result.messages.as_ref().unwrap()[0];
    assert_eq!(message.code.as_deref(), Some("MultipleUnits"));
    assert_eq!(message.value.as_deref(), Some("Multiple units returned: '[Milliseconds, Seconds]'"));

    let mut query = metric_query("a", "m", "Sum");
    query.metric_stat.as_mut().unwrap().unit = Some("Seconds".into());
    let answer = world.data(vec![query]).await.unwrap();
    assert_eq!(shown(&answer)[0].2, [60.0]);
}

#[tokio::test]
async fn the_newest_come_first_unless_asked_otherwise_and_pages_lead_on() {
    let world = with_requests().await;
    let mut input = GetMetricDataInput {
        metric_data_queries: vec![metric_query("a", "requests", "Sum"), metric_query("b", "errors", "p50")],
        start_time: world.now() - HOUR,
        end_time: world.now(),
        max_datapoints: Some(2),
        ..Default::default()
    };
    let mut pages = Vec::new();
    loop {
        let answer = world.cloudwatch.get_metric_data(&world.context, input.clone()).await.unwrap();
        pages.push(shown(&answer).into_iter().map(|(_, _, values)| values).collect::<Vec<_>>());
        input.next_token = answer.next_token;
        if input.next_token.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec![vec![40.0, 20.0], vec![]], vec![vec![10.0], vec![4.0]], vec![vec![1.0]]]);

    input.next_token = Some("nonsense".to_owned());
    let answer = world.cloudwatch.get_metric_data(&world.context, input).await;
    refused(answer, "InvalidNextToken", "The next token is not valid.");
}

#[tokio::test]
async fn what_is_wrong_with_queries_is_said() {
    let world = with_requests().await;
    let ask = async |queries: Vec<MetricDataQuery>| world.data(queries).await;
    let metric = || metric_query("m1", "requests", "Sum");
    for (queries, message) in [
        (vec![metric(), metric()], "The values for parameter id in MetricDataQueries are not unique."),
        (
            vec![MetricDataQuery { period: Some(60), ..metric() }],
            "The parameters MetricDataQueries.member.1.Period and MetricDataQueries.member.1.MetricStat are mutually \
             exclusive and you have specified both.",
        ),
        (
            vec![MetricDataQuery { expression: Some("1".to_owned()), ..metric() }],
            "The parameters MetricDataQueries.member.1.Expression and MetricDataQueries.member.1.MetricStat are \
             mutually exclusive and you have specified both.",
        ),
        (
            vec![metric_query("M1", "requests", "Sum")],
            "The value for parameter MetricDataQueries.member.1.Id is not matching the expected pattern \
             ^[a-z][a-zA-Z0-9_]*$.",
        ),
        (
            vec![metric_query("m1", "requests", "Median")],
            "The value Median for parameter MetricDataQueries.member.1.MetricStat.Stat is not supported.",
        ),
        (vec![], "The parameter MetricDataQueries is required."),
        (
            vec![expression_query("e1", "m9 * 2")],
            "Error in expression 'e1': There is no metric or expression with the id m9.",
        ),
        (
            vec![expression_query("e1", "e2 * 2"), expression_query("e2", "e1 * 2")],
            "Error in expression 'e1': The expression refers to itself.",
        ),
        (
            vec![metric(), expression_query("e1", "SUM(m1)")],
            "Error in expression 'e1': The result must be a time series or an array of time series, not a number.",
        ),
        (
            vec![metric(), expression_query("e1", "ANOMALY_DETECTION_BAND(m1)")],
            "Error in expression 'e1': The function ANOMALY_DETECTION_BAND is not supported by Lambent yet.",
        ),
        (
            vec![expression_query("e1", "SELECT AVG(x) FROM \"N\"")],
            "CloudWatch Metrics Insights (SELECT) is not supported by Lambent yet.",
        ),
        (
            vec![MetricDataQuery { label: Some("${LAST}".to_owned()), ..metric() }],
            "A dynamic label (MetricDataQueries.member.1.Label) is not supported by Lambent yet.",
        ),
        (
            vec![metric(), MetricDataQuery { period: Some(300), ..expression_query("e1", "m1 * 2") }],
            "A Period of expression 'e1' other than that of its metrics is not supported by Lambent yet.",
        ),
    ] {
        refused(ask(queries).await, "ValidationError", message);
    }
    let many = (0..501).map(|number| metric_query(&format!("m{number}"), "m", "Sum")).collect();
    let text = "The collection MetricDataQueries must not have a size greater than 500.";
    refused(ask(many).await, "ValidationError", text);
}
