use api_logs::{
    DeleteRetentionPolicyRequest, FilterLogEventsRequest, GetLogEventsRequest, PutRetentionPolicyRequest,
};

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn retain(world: &World, days: i32) -> Result<(), Error> {
    let input = PutRetentionPolicyRequest { log_group_name: "g".to_owned(), retention_in_days: days };
    world.logs.put_retention_policy(&world.context, input).await
}

async fn readable(world: &World) -> usize {
    let input = GetLogEventsRequest {
        log_group_name: Some("g".to_owned()),
        log_stream_name: "s".to_owned(),
        ..Default::default()
    };
    let got = world.logs.get_log_events(&world.context, input).await.unwrap().events.unwrap().len();
    let input = FilterLogEventsRequest { log_group_name: Some("g".to_owned()), ..Default::default() };
    let filtered = world.logs.filter_log_events(&world.context, input).await.unwrap().events.unwrap().len();
    assert_eq!(got, filtered);
    got
}

#[tokio::test]
async fn only_some_numbers_of_days_are_allowed() {
    let world = World::with_stream().await;
    for days in [1, 3653] {
        retain(&world, days).await.unwrap();
        assert_eq!(world.groups().await[0].retention_in_days, Some(days));
    }
    let error = retain(&world, 2).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterException");
    let input = DeleteRetentionPolicyRequest { log_group_name: "g".to_owned() };
    world.logs.delete_retention_policy(&world.context, input).await.unwrap();
    assert_eq!(world.groups().await[0].retention_in_days, None);
    let missing = PutRetentionPolicyRequest { log_group_name: "x".to_owned(), retention_in_days: 1 };
    let error = world.logs.put_retention_policy(&world.context, missing).await.unwrap_err();
    assert_eq!(error.code(), "ResourceNotFoundException");
}

#[tokio::test]
async fn expired_events_are_hidden_at_once_and_soon_gone() {
    let world = World::with_stream().await;
    retain(&world, 1).await.unwrap();
    world.put(&[(0, "old")]).await.unwrap();
    let hour_ms = 60 * 60 * 1_000;
    world.put(&[(hour_ms, "young")]).await.unwrap();
    let before = world.entries().await;
    assert_eq!(readable(&world).await, 2);

    world.advance(DAY + Duration::from_millis(1)).await;
    assert_eq!(readable(&world).await, 1, "hidden");
    world.advance(2 * Duration::from_secs(60 * 60)).await;
    assert_eq!(readable(&world).await, 0);
    assert_eq!(world.groups().await[0].stored_bytes, Some(0));
    assert_eq!(world.entries().await, before - 2, "gone");
    assert_eq!(world.streams("g").await[0].first_event_timestamp, None);

    // And so on for what comes later.
    world.put(&[(0, "later")]).await.unwrap();
    assert_eq!(readable(&world).await, 1);
    world.advance(3 * DAY).await;
    assert_eq!(world.entries().await, before - 2);
}

#[tokio::test]
async fn a_shorter_retention_takes_effect_at_once() {
    let world = World::with_stream().await;
    world.put(&[(-5 * 24 * 60 * 60 * 1_000, "five days old")]).await.unwrap();
    world.advance(DAY * 400).await;
    assert_eq!(readable(&world).await, 1, "without a retention nothing expires");
    retain(&world, 3).await.unwrap();
    world.settle().await;
    assert_eq!(world.groups().await[0].stored_bytes, Some(0));
    // Events from before the retention are not taken any more, and the answer says which.
    let answer = world.put(&[(-4 * 24 * 60 * 60 * 1_000, "expired")]).await.unwrap();
    assert_eq!(answer.rejected_log_events_info.unwrap().expired_log_event_end_index, Some(1));
}

#[tokio::test]
async fn without_its_policy_a_group_is_left_alone() {
    let world = World::with_stream().await;
    retain(&world, 1).await.unwrap();
    world.put(&[(0, "kept")]).await.unwrap();
    let input = DeleteRetentionPolicyRequest { log_group_name: "g".to_owned() };
    world.logs.delete_retention_policy(&world.context, input).await.unwrap();
    world.advance(DAY * 30).await;
    assert_eq!(readable(&world).await, 1);
}

/// Rows, not memory, say what is to be done: another service over the same store goes on with it.
#[tokio::test]
async fn expiry_survives_a_restart() {
    let world = World::with_stream().await;
    retain(&world, 1).await.unwrap();
    world.put(&[(0, "old")]).await.unwrap();
    world.tasks.drain().await;
    world.advance(DAY * 2).await;
    let again = CloudWatchLogs::new(
        Arc::clone(&world.store) as _,
        Arc::clone(&world.clock) as _,
        IdSource::seeded(2),
    );
    let tasks = Tasks::new();
    again.start(&tasks);
    world.settle().await;
    assert_eq!(world.groups().await[0].stored_bytes, Some(0));
    tasks.drain().await;
}
