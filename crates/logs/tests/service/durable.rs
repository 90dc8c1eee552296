use api_logs::FilterLogEventsRequest;
use store::EmbeddedStore;
use targets::{LogLine, LogStream as Target, WriteLogs};

use super::*;

/// Over the store of a server: what was flushed is there after the store was closed and opened again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_outlive_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let clock = Arc::new(VirtualClock::new(START));
    let context = context("000000000000", "eu-central-1");
    {
        let store = Arc::new(EmbeddedStore::open(&path).unwrap());
        let logs = CloudWatchLogs::new(store, Arc::clone(&clock) as _, IdSource::seeded(1));
        let tasks = Tasks::new();
        logs.start(&tasks);
        for index in 0..20_000_u64 {
            let stream = Arc::new(Target {
                account: context.account.clone(),
                region: context.region.clone(),
                group: "g".to_owned(),
                stream: format!("s{}", index % 10),
            });
            let line =
                LogLine { timestamp: START + Duration::from_millis(index), message: index.to_string() };
            logs.write(&stream, vec![line]);
        }
        logs.flush().await;
        tasks.drain().await;
    }
    let store = Arc::new(EmbeddedStore::open(&path).unwrap());
    let logs = CloudWatchLogs::new(store, clock, IdSource::seeded(2));
    let mut input = FilterLogEventsRequest { log_group_name: Some("g".to_owned()), ..Default::default() };
    let mut messages = Vec::new();
    loop {
        let answer = logs.filter_log_events(&context, input.clone()).await.unwrap();
        messages.extend(answer.events.unwrap().into_iter().filter_map(|event| event.message));
        input.next_token = answer.next_token;
        if input.next_token.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..20_000).map(|index| index.to_string()).collect();
    assert_eq!(messages, expected);
}
