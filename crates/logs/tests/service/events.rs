use api_logs::{Entity, GetLogEventsRequest, GetLogEventsResponse, RejectedLogEventsInfo};
use store::{Applied, CommitError};

use super::*;

async fn get(world: &World, mut input: GetLogEventsRequest) -> GetLogEventsResponse {
    input.log_group_name = Some("g".to_owned());
    input.log_stream_name = "s".to_owned();
    world.logs.get_log_events(&world.context, input).await.unwrap()
}

fn messages(answer: &GetLogEventsResponse) -> Vec<&str> {
    answer.events.as_ref().unwrap().iter().map(|event| event.message.as_deref().unwrap()).collect()
}

fn page(limit: i32, token: Option<String>) -> GetLogEventsRequest {
    GetLogEventsRequest { limit: Some(limit), next_token: token, ..Default::default() }
}

#[tokio::test]
async fn an_event_comes_back_as_it_was_put() {
    let world = World::with_stream().await;
    let answer = world.put(&[(-5, "hello \u{0} \"wörld\"\n")]).await.unwrap();
    assert_eq!(answer.next_sequence_token.map(|token| token.len()), Some(56));
    assert_eq!(answer.rejected_log_events_info, None);
    let answer = get(&world, GetLogEventsRequest::default()).await;
    let event = &answer.events.unwrap()[0];
    assert_eq!(event.timestamp, Some(world.now_ms() - 5));
    assert_eq!(event.ingestion_time, Some(world.now_ms()));
    assert_eq!(event.message.as_deref(), Some("hello \u{0} \"wörld\"\n"));
    let stream = &world.streams("g").await[0];
    assert_eq!(stream.first_event_timestamp, Some(world.now_ms() - 5));
    assert_eq!(stream.last_event_timestamp, Some(world.now_ms() - 5));
    assert_eq!(stream.last_ingestion_time, Some(world.now_ms()));
    let arn = "arn:aws:logs:eu-central-1:000000000000:log-group:g:log-stream:s";
    assert_eq!((stream.arn.as_deref(), stream.stored_bytes), (Some(arn), Some(0)));
}

#[tokio::test]
async fn pages_lead_back_to_the_start_and_forward_to_the_end() {
    let world = World::with_stream().await;
    for batch in [[(0, "a"), (1, "b")], [(2, "c"), (3, "d")]] {
        world.put(&batch).await.unwrap();
    }
    world.put(&[(4, "e")]).await.unwrap();

    let newest = get(&world, page(2, None)).await;
    assert_eq!(messages(&newest), ["d", "e"]);
    let middle = get(&world, page(2, newest.next_backward_token.clone())).await;
    assert_eq!(messages(&middle), ["b", "c"]);
    let oldest = get(&world, page(2, middle.next_backward_token.clone())).await;
    assert_eq!(messages(&oldest), ["a"]);
    let beyond = get(&world, page(2, oldest.next_backward_token.clone())).await;
    assert_eq!(messages(&beyond), [""; 0]);
    assert_eq!(beyond.next_backward_token, oldest.next_backward_token, "the same token is the end");

    let again = get(&world, page(2, beyond.next_forward_token)).await;
    assert_eq!(messages(&again), ["a", "b"]);
    let again = get(&world, page(9, again.next_forward_token)).await;
    assert_eq!(messages(&again), ["c", "d", "e"]);
    let end = get(&world, page(9, again.next_forward_token.clone())).await;
    assert_eq!((messages(&end).len(), &end.next_forward_token), (0, &again.next_forward_token));
    // What comes later is found with the token of the end.
    world.put(&[(5, "f")]).await.unwrap();
    let more = get(&world, page(9, end.next_forward_token)).await;
    assert_eq!(messages(&more), ["f"]);

    let head = GetLogEventsRequest { start_from_head: Some(true), ..page(2, None) };
    assert_eq!(messages(&get(&world, head).await), ["a", "b"]);
    for token in ["", "x", "f/1/s", "f/é"] {
        let input = GetLogEventsRequest {
            log_group_name: Some("g".to_owned()),
            log_stream_name: "s".to_owned(),
            next_token: Some(token.to_owned()),
            ..Default::default()
        };
        refused(
            world.logs.get_log_events(&world.context, input).await,
            "InvalidParameterException",
            "The specified nextToken is invalid.",
        );
    }
}

#[tokio::test]
async fn an_empty_stream_has_tokens_that_lead_to_what_comes() {
    let world = World::with_stream().await;
    let empty = get(&world, page(2, None)).await;
    assert_eq!(messages(&empty).len(), 0);
    world.put(&[(0, "a")]).await.unwrap();
    let found = get(&world, page(2, empty.next_forward_token)).await;
    assert_eq!(messages(&found), ["a"]);
}

#[tokio::test]
async fn the_start_is_included_and_the_end_is_not() {
    let world = World::with_stream().await;
    world.put(&[(0, "a"), (1, "b"), (2, "c")]).await.unwrap();
    let window = GetLogEventsRequest {
        start_time: Some(world.now_ms() + 1),
        end_time: Some(world.now_ms() + 2),
        ..Default::default()
    };
    assert_eq!(messages(&get(&world, window).await), ["b"]);
}

/// Batches that reach into one another in time, many chunks, several pages of chunks: always in order, from both ends.
#[tokio::test]
async fn order_is_by_time_however_events_arrived() {
    let world = World::with_stream().await;
    let hour_ms = 60 * 60 * 1_000;
    let mut expected: Vec<(i64, String)> = Vec::new();
    for batch in 0..40_i64 {
        let start = (batch * 7_919) % 20_000 - hour_ms;
        let events: Vec<(i64, String)> =
            (0..25).map(|index| (start + index * 997, format!("{batch}.{index}"))).collect();
        expected.extend(events.iter().cloned());
        let events: Vec<(i64, &str)> = events.iter().map(|(at, text)| (*at, text.as_str())).collect();
        world.put(&events).await.unwrap();
    }
    // Stable: what came first stays first.
    expected.sort_by_key(|(at, _)| *at);
    let expected: Vec<&str> = expected.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(expected.len(), 1_000);

    for limit in [7, 1_000] {
        let (mut forward, mut token): (Vec<String>, _) = (Vec::new(), None);
        loop {
            let input = GetLogEventsRequest { start_from_head: Some(true), ..page(limit, token) };
            let answer = get(&world, input).await;
            if messages(&answer).is_empty() {
                break;
            }
            forward.extend(messages(&answer).into_iter().map(str::to_owned));
            token = answer.next_forward_token;
        }
        assert_eq!(forward, expected);
        let (mut backward, mut token): (Vec<String>, _) = (Vec::new(), None);
        loop {
            let answer = get(&world, page(limit, token)).await;
            if messages(&answer).is_empty() {
                break;
            }
            backward.extend(messages(&answer).into_iter().rev().map(str::to_owned));
            token = answer.next_backward_token;
        }
        backward.reverse();
        assert_eq!(backward, expected);
    }
}

#[tokio::test]
async fn a_page_holds_a_megabyte_and_an_event_may_fill_one() {
    let world = World::with_stream().await;
    let largest = "x".repeat((1 << 20) - 26);
    for index in 0..2 {
        world.put(&[(index, largest.as_str())]).await.unwrap();
    }
    let answer = get(&world, GetLogEventsRequest::default()).await;
    assert_eq!(answer.events.map(|events| events.len()), Some(1));
    let too_large = format!("{largest}x");
    refused(
        world.put(&[(0, too_large.as_str())]).await,
        "InvalidParameterException",
        "Log event too large: 1048551 bytes exceeds limit of 1048550",
    );
    refused(
        world.put(&[(0, largest.as_str()), (0, "y")]).await,
        "InvalidParameterException",
        "Upload too large: 1048603 bytes exceeds limit of 1048576",
    );
}

#[tokio::test]
async fn rules_of_a_batch() {
    let world = World::with_stream().await;
    refused(
        world.put(&[(1, "a"), (0, "b")]).await,
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    );
    let day_ms = 24 * 60 * 60 * 1_000;
    refused(
        world.put(&[(-day_ms - 1, "a"), (0, "b")]).await,
        "InvalidParameterException",
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
    );
    world.put(&[(-day_ms, "a"), (0, "b")]).await.unwrap();

    let answer = world.put(&[(-15 * day_ms, "old"), (0, "c"), (3 * 60 * 60 * 1_000, "new")]).await.unwrap();
    let rejected = RejectedLogEventsInfo {
        too_new_log_event_start_index: Some(2),
        too_old_log_event_end_index: Some(1),
        expired_log_event_end_index: None,
    };
    assert_eq!(answer.rejected_log_events_info, Some(rejected));
    assert_eq!(messages(&get(&world, GetLogEventsRequest::default()).await), ["a", "b", "c"]);
}

#[tokio::test]
async fn an_entity_is_refused_and_the_events_are_taken() {
    let world = World::with_stream().await;
    let input = PutLogEventsRequest {
        log_group_name: "g".to_owned(),
        log_stream_name: "s".to_owned(),
        log_events: vec![InputLogEvent { timestamp: world.now_ms(), message: "a".to_owned() }],
        entity: Some(Entity::default()),
        ..Default::default()
    };
    let answer = world.logs.put_log_events(&world.context, input).await.unwrap();
    assert!(answer.rejected_entity_info.is_some());
    assert_eq!(messages(&get(&world, GetLogEventsRequest::default()).await), ["a"]);
}

#[tokio::test]
async fn a_store_that_fails_is_said_and_nothing_is_stored() {
    let world = World::with_stream().await;
    world.store.fail_next_commit(CommitError::Unavailable("disk".to_owned()), Applied::No);
    let error = world.put(&[(0, "a")]).await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("ServiceUnavailableException", 500));
    assert_eq!(messages(&get(&world, GetLogEventsRequest::default()).await).len(), 0);
}

#[tokio::test]
async fn a_lost_reply_neither_loses_nor_doubles_events() {
    for applied in [Applied::Yes, Applied::No] {
        let world = World::with_stream().await;
        world.store.fail_next_commit(CommitError::Unknown("lost".to_owned()), applied);
        world.put(&[(0, "a")]).await.unwrap();
        assert_eq!(messages(&get(&world, GetLogEventsRequest::default()).await), ["a"], "{applied:?}");
    }
}
