use api_logs::{FilterLogEventsRequest, FilterLogEventsResponse};

use super::*;

fn request() -> FilterLogEventsRequest {
    FilterLogEventsRequest { log_group_name: Some("g".to_owned()), ..Default::default() }
}

async fn filter(world: &World, input: FilterLogEventsRequest) -> FilterLogEventsResponse {
    world.logs.filter_log_events(&world.context, input).await.unwrap()
}

fn shown(answer: &FilterLogEventsResponse) -> Vec<String> {
    let show = |event: &api_logs::FilteredLogEvent| {
        format!("{}:{}", event.log_stream_name.as_deref().unwrap(), event.message.as_deref().unwrap())
    };
    answer.events.as_ref().unwrap().iter().map(show).collect()
}

async fn world() -> World {
    let world = World::new();
    world.create_group("g").await.unwrap();
    for stream in ["s1", "s2", "t"] {
        world.create_stream("g", stream).await.unwrap();
    }
    world.put_into("s1", &[(0, "INFO a"), (2, "ERROR c"), (9_000, "INFO g")]).await.unwrap();
    world.put_into("s2", &[(1, "ERROR b"), (3, "INFO d"), (8_000, "ERROR f")]).await.unwrap();
    world
        .put_into("t", &[(5, r#"{"level":"ERROR","n":e}"#), (6, r#"{"level":"ERROR","n":5}"#)])
        .await
        .unwrap();
    world
}

#[tokio::test]
async fn streams_are_interleaved_by_time() {
    let world = world().await;
    let answer = filter(&world, request()).await;
    let messages = shown(&answer);
    assert_eq!(messages[..4], ["s1:INFO a", "s2:ERROR b", "s1:ERROR c", "s2:INFO d"]);
    assert_eq!(messages[6..], ["s2:ERROR f", "s1:INFO g"]);
    assert_eq!((answer.next_token, answer.searched_log_streams), (None, Some(Vec::new())));
    let events = answer.events.unwrap();
    assert!(events.windows(2).all(|pair| pair[0].event_id < pair[1].event_id));
    assert_eq!(events[0].ingestion_time, Some(world.now_ms()));
    assert_eq!(events[0].event_id.as_ref().map(String::len), Some(56));
}

#[tokio::test]
async fn a_pattern_selects_and_pages_go_on() {
    let world = world().await;
    let errors = FilterLogEventsRequest { filter_pattern: Some("ERROR".to_owned()), ..request() };
    let mut paged = FilterLogEventsRequest { limit: Some(2), ..errors.clone() };
    let all = shown(&filter(&world, errors).await);
    assert_eq!(all.len(), 5);
    let mut found = Vec::new();
    loop {
        let answer = filter(&world, paged.clone()).await;
        found.extend(shown(&answer));
        paged.next_token = answer.next_token;
        if paged.next_token.is_none() {
            break;
        }
    }
    assert_eq!(found, all);

    let json = FilterLogEventsRequest {
        filter_pattern: Some("{ $.level = \"ERROR\" && $.n >= 5 }".to_owned()),
        ..request()
    };
    assert_eq!(shown(&filter(&world, json).await), [r#"t:{"level":"ERROR","n":5}"#]);
    let broken = FilterLogEventsRequest { filter_pattern: Some("a:b".to_owned()), ..request() };
    refused(
        world.logs.filter_log_events(&world.context, broken).await,
        "InvalidParameterException",
        "Invalid character(s) in term ':'",
    );
}

#[tokio::test]
async fn streams_and_times_are_chosen() {
    let world = world().await;
    let named = FilterLogEventsRequest { log_stream_names: Some(vec!["s2".to_owned()]), ..request() };
    assert_eq!(shown(&filter(&world, named.clone()).await).len(), 3);
    let prefixed = FilterLogEventsRequest { log_stream_name_prefix: Some("s".to_owned()), ..request() };
    assert_eq!(shown(&filter(&world, prefixed.clone()).await).len(), 6);
    // Both ends are included.
    let timed = FilterLogEventsRequest {
        start_time: Some(world.now_ms() + 2),
        end_time: Some(world.now_ms() + 3),
        ..request()
    };
    assert_eq!(shown(&filter(&world, timed).await), ["s1:ERROR c", "s2:INFO d"]);
    let late = FilterLogEventsRequest { start_time: Some(world.now_ms() + 8_500), ..request() };
    assert_eq!(shown(&filter(&world, late).await), ["s1:INFO g"]);

    let both = FilterLogEventsRequest { log_stream_name_prefix: Some("s".to_owned()), ..named };
    assert!(world.logs.filter_log_events(&world.context, both).await.is_err());
    let missing = FilterLogEventsRequest { log_stream_names: Some(vec!["x".to_owned()]), ..request() };
    refused(
        world.logs.filter_log_events(&world.context, missing).await,
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    );
    let nowhere = FilterLogEventsRequest { log_group_name: None, ..request() };
    assert!(world.logs.filter_log_events(&world.context, nowhere).await.is_err());
    let by_arn = FilterLogEventsRequest {
        log_group_name: None,
        log_group_identifier: Some("arn:aws:logs:eu-central-1:000000000000:log-group:g".to_owned()),
        ..request()
    };
    assert_eq!(shown(&filter(&world, by_arn).await).len(), 8);
}

#[tokio::test]
async fn the_newest_come_first_when_asked_so() {
    let world = world().await;
    let start_time = Some(world.now_ms());
    let newest = FilterLogEventsRequest {
        start_from_head: Some(false),
        filter_pattern: Some("INFO".to_owned()),
        limit: Some(2),
        start_time,
        ..request()
    };
    let first = filter(&world, newest.clone()).await;
    assert_eq!(shown(&first), ["s1:INFO g", "s2:INFO d"]);
    // The token keeps the direction.
    let rest =
        FilterLogEventsRequest { next_token: first.next_token, start_from_head: None, ..newest.clone() };
    assert_eq!(shown(&filter(&world, rest).await), ["s1:INFO a"]);
    let too_early = FilterLogEventsRequest { start_time: None, ..newest };
    assert!(world.logs.filter_log_events(&world.context, too_early).await.is_err());
}

/// What `aws logs tail --follow` does: ask again from the last timestamp on, and skip the ids already shown.
#[tokio::test]
async fn following_shows_each_event_once() {
    let world = world().await;
    let mut shown_ids = std::collections::HashSet::new();
    let mut start_time = world.now_ms();
    for round in 0..5 {
        world.put_into("t", &[(10_000 + round, "again")]).await.unwrap();
        let answer =
            filter(&world, FilterLogEventsRequest { start_time: Some(start_time), ..request() }).await;
        let events = answer.events.unwrap();
        shown_ids.extend(events.iter().filter_map(|event| event.event_id.clone()));
        start_time = events.last().and_then(|event| event.timestamp).unwrap();
    }
    assert_eq!(shown_ids.len(), 13);
}

/// A search that finds nothing for long answers in between, so that no request takes as long as a group is large.
#[tokio::test]
async fn a_long_search_comes_in_pages() {
    let world = World::with_stream().await;
    let filler = "x".repeat(1_000_000);
    for index in 0..20 {
        world.put(&[(index, filler.as_str())]).await.unwrap();
    }
    world.put(&[(20, "needle")]).await.unwrap();
    let needle = FilterLogEventsRequest { filter_pattern: Some("needle".to_owned()), ..request() };
    let first = filter(&world, needle.clone()).await;
    assert_eq!((shown(&first).len(), first.next_token.is_some()), (0, true));
    let second = filter(&world, FilterLogEventsRequest { next_token: first.next_token, ..needle }).await;
    assert_eq!(shown(&second), ["s:needle"]);
}
