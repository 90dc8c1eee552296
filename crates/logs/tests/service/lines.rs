use api_logs::{DeleteLogGroupRequest, FilterLogEventsRequest};
use store::{Applied, CommitError};
use targets::{LogLine, LogStream as Target, WriteLogs};

use super::*;

fn target(world: &World, group: &str, stream: &str) -> Arc<Target> {
    Arc::new(Target {
        account: world.context.account.clone(),
        region: world.context.region.clone(),
        group: group.to_owned(),
        stream: stream.to_owned(),
    })
}

fn line(offset_ms: u64, message: &str) -> LogLine {
    LogLine { timestamp: START + Duration::from_millis(offset_ms), message: message.to_owned() }
}

async fn messages(world: &World, group: &str) -> Vec<String> {
    let input = FilterLogEventsRequest { log_group_name: Some(group.to_owned()), ..Default::default() };
    let events = world.logs.filter_log_events(&world.context, input).await.unwrap().events.unwrap();
    events.into_iter().filter_map(|event| event.message).collect()
}

#[tokio::test]
async fn lines_make_their_group_and_stream_and_keep_their_order() {
    let world = World::new();
    let stream = target(&world, "/aws/lambda/f", "2024/01/31/[$LATEST]0");
    for index in 0..100 {
        world.logs.write(&stream, vec![line(7, &format!("{index}")), line(7, "second")]);
    }
    world.logs.flush().await;
    let expected: Vec<String> = (0..100).flat_map(|index| [index.to_string(), "second".to_owned()]).collect();
    assert_eq!(messages(&world, "/aws/lambda/f").await, expected);
    assert_eq!(world.streams("/aws/lambda/f").await.len(), 1);
    // One transaction for all of it: a group, a stream, its place by time, one chunk, and the counter of bytes.
    assert_eq!(world.entries().await, 5);
}

/// Without a flush, too, and without platform time passing.
#[tokio::test]
async fn lines_are_soon_to_be_read() {
    let world = World::new();
    let stopwatch = clock::Stopwatch::start();
    world.logs.write(&target(&world, "g", "s"), vec![line(0, "hello")]);
    loop {
        if !world.groups().await.is_empty() {
            break;
        }
        assert!(stopwatch.elapsed() < Duration::from_secs(5), "the writer does not write");
        tokio::task::yield_now().await;
    }
    assert_eq!(messages(&world, "g").await, ["hello"]);
}

#[tokio::test]
async fn many_streams_share_few_transactions() {
    let world = World::new();
    for index in 0..500 {
        let stream = target(&world, &format!("g{}", index % 5), &format!("s{index}"));
        world.logs.write(&stream, vec![line(index, "x")]);
    }
    world.logs.flush().await;
    let snapshot = world.store.snapshot().await.unwrap();
    let entries = snapshot.range(&[], &prefix_end(&[]), usize::MAX, false).await.unwrap();
    let commits: std::collections::HashSet<_> = entries.iter().map(|entry| entry.version).collect();
    assert_eq!((entries.len(), commits.len()), (5 + 3 * 500 + 5, 1));
}

#[tokio::test]
async fn a_group_deleted_while_a_function_logs_is_made_again() {
    let world = World::new();
    let stream = target(&world, "g", "s");
    world.logs.write(&stream, vec![line(0, "old")]);
    world.logs.flush().await;
    let input = DeleteLogGroupRequest { log_group_name: "g".to_owned() };
    world.logs.delete_log_group(&world.context, input).await.unwrap();
    world.logs.write(&stream, vec![line(1, "new")]);
    world.logs.flush().await;
    assert_eq!(messages(&world, "g").await, ["new"]);
}

#[tokio::test]
async fn lines_that_the_store_refused_are_counted_in_the_log() {
    let world = World::new();
    let stream = target(&world, "g", "s");
    world.store.fail_next_commit(CommitError::Unavailable("disk full".to_owned()), Applied::No);
    world.logs.write(&stream, vec![line(0, "a"), line(1, "b")]);
    world.logs.flush().await;
    world.logs.write(&stream, vec![line(2, "c")]);
    world.logs.flush().await;
    let lost = "[Lambent] 2 log lines were lost here: they could not be stored in time.";
    let mut found = messages(&world, "g").await;
    found.sort();
    assert_eq!(found, [lost, "c"]);
}

#[tokio::test]
async fn what_was_written_before_the_end_is_stored() {
    let world = World::new();
    world.logs.write(&target(&world, "g", "s"), vec![line(0, "last words")]);
    world.tasks.drain().await;
    assert_eq!(messages(&world, "g").await, ["last words"]);
    // Nothing hangs afterwards.
    world.logs.flush().await;
    assert!(world.create_stream("g", "t").await.is_ok());
    let error = world.put_into("t", &[(0, "x")]).await.unwrap_err();
    assert_eq!(error.code(), "ServiceUnavailableException");
}

#[tokio::test]
async fn a_torrent_stays_within_what_transactions_hold() {
    let world = World::new();
    let stream = target(&world, "g", "s");
    // The worst case: as JSON, each of these takes six bytes.
    let nasty = "\u{1}".repeat(400_000);
    let lines = (0..15).map(|index| line(index, &nasty)).collect();
    world.logs.write(&stream, lines);
    world.logs.flush().await;
    let groups = world.groups().await;
    assert_eq!(groups[0].stored_bytes, Some(15 * 400_026));
}
