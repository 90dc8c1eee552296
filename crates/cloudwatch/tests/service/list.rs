//! `ListMetrics`.

use api_cloudwatch::DimensionFilter;

use super::*;

fn filter(name: &str, value: Option<&str>) -> DimensionFilter {
    DimensionFilter { name: name.to_owned(), value: value.map(str::to_owned) }
}

#[tokio::test]
async fn metrics_are_found_by_namespace_name_and_dimensions() {
    let world = World::new();
    for (namespace, name, of) in [
        ("N", "m", &[][..]),
        ("N", "m", &[("a", "1")]),
        ("N", "m", &[("a", "2"), ("b", "3")]),
        ("N", "n", &[("b", "3")]),
        ("O", "m", &[]),
    ] {
        let datum = MetricDatum { dimensions: dimensions(of), ..value_of(name, 1.0) };
        world.put_all(namespace, vec![datum]).await.unwrap();
    }
    let find = async |namespace: Option<&str>, name: Option<&str>, filters: &[DimensionFilter]| {
        let input = ListMetricsInput {
            namespace: namespace.map(str::to_owned),
            metric_name: name.map(str::to_owned),
            dimensions: Some(filters.to_vec()),
            ..Default::default()
        };
        let mut found = names(&world.list(input).await.unwrap());
        found.sort();
        found
    };
    assert_eq!(find(None, None, &[]).await, ["N m", "N m 1", "N m 2 3", "N n 3", "O m"]);
    assert_eq!(find(Some("N"), None, &[]).await, ["N m", "N m 1", "N m 2 3", "N n 3"]);
    assert_eq!(find(Some("N"), Some("n"), &[]).await, ["N n 3"]);
    assert_eq!(find(None, Some("m"), &[]).await, ["N m", "N m 1", "N m 2 3", "O m"]);
    assert_eq!(find(None, None, &[filter("a", None)]).await, ["N m 1", "N m 2 3"]);
    assert_eq!(find(None, None, &[filter("a", Some("1"))]).await, ["N m 1"]);
    assert_eq!(find(None, None, &[filter("a", None), filter("b", Some("3"))]).await, ["N m 2 3"]);
    assert_eq!(find(Some("P"), None, &[]).await, [] as [String; 0]);
}

#[tokio::test]
async fn pages_of_five_hundred_lead_on() {
    let world = World::new();
    let data: Vec<_> = (0..1_000).map(|number| value_of(&format!("m{number:04}"), 1.0)).collect();
    world.put_all("N", data).await.unwrap();
    let mut found = Vec::new();
    let mut input = ListMetricsInput::default();
    let mut pages = 0;
    loop {
        let page = world.list(input.clone()).await.unwrap();
        found.extend(names(&page));
        pages += 1;
        input.next_token = page.next_token;
        if input.next_token.is_none() {
            break;
        }
    }
    assert_eq!((pages, found.len()), (2, 1_000));
    found.dedup();
    assert_eq!(found.len(), 1_000);

    // A token leads nowhere in another account's metrics.
    let first = world.list(ListMetricsInput::default()).await.unwrap();
    let other = context("111111111111", "eu-central-1");
    for token in [first.next_token, Some("nonsense".to_owned()), Some(String::new())] {
        let input = ListMetricsInput { next_token: token, ..Default::default() };
        let answer = world.cloudwatch.list_metrics(&other, input).await;
        refused(answer, "InvalidParameterValue", "The value for parameter NextToken is invalid.");
    }
}

#[tokio::test]
async fn metrics_without_values_for_two_weeks_are_not_listed() {
    let world = World::new();
    world.put(value_of("old", 1.0)).await.unwrap();
    world.advance(HOUR * 4).await;
    world.put(value_of("recent", 1.0)).await.unwrap();
    assert_eq!(world.listed().await, ["N old", "N recent"]);
    let recent = ListMetricsInput { recently_active: Some("PT3H".into()), ..Default::default() };
    assert_eq!(names(&world.list(recent).await.unwrap()), ["N recent"]);

    world.advance(DAY * 14 - HOUR).await;
    assert_eq!(world.listed().await, ["N recent"]);
    world.put(value_of("old", 1.0)).await.unwrap();
    assert_eq!(world.listed().await, ["N old", "N recent"]);
}

#[tokio::test]
async fn there_are_no_linked_accounts() {
    let world = World::new();
    world.put(value_of("m", 1.0)).await.unwrap();
    let input = ListMetricsInput { include_linked_accounts: Some(true), ..Default::default() };
    let answer = world.list(input.clone()).await.unwrap();
    assert_eq!(answer.owning_accounts, Some(vec!["000000000000".to_owned()]));
    let other = ListMetricsInput { owning_account: Some("111111111111".to_owned()), ..input };
    assert_eq!(world.list(other).await.unwrap_err().code(), "InvalidParameterValue");
}
