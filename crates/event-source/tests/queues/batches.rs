//! How batches are gathered, and what is in them.

use event_source::Mapping;
use queue::{NewMessage, Settings};
use targets::{Agenda, AttributeValue, MessageAttribute, What};

use crate::world::{TIMEOUT, World, mapping, message, ok, secs, send, standard};

#[tokio::test(start_paused = true)]
async fn what_is_there_is_taken_ten_at_a_time_and_deleted_when_it_is_done() {
    let world = World::new();
    let queue = world.open("q", standard());
    send(&queue, (0..25).map(|n| message(&format!("{n:02}")))).await;
    world.create(mapping("m")).await;
    world.until(async || world.is_empty("q").await).await;
    let mut sizes: Vec<usize> = world.batches().iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 10, 10]);
    assert_eq!(world.handled(), (0..25).map(|n| format!("{n:02}")).collect::<Vec<_>>());
    assert_eq!(world.result("m").await.as_deref(), Some("OK"));
    for (figure, count) in [
        ("PolledEventCount", 25.0),
        ("InvokedEventCount", 25.0),
        ("DeletedEventCount", 25.0),
        ("FailedInvokeEventCount", 0.0),
        ("FilteredOutEventCount", 0.0),
    ] {
        assert!((world.figure(figure) - count).abs() < 0.1, "{figure}: {}", world.figure(figure));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_handled_as_soon_as_it_is_sent() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(mapping("m")).await;
    let attribute =
        MessageAttribute { data_type: "String".to_owned(), value: AttributeValue::String("x".to_owned()) };
    send(
        &queue,
        [NewMessage {
            attributes: [("Author".to_owned(), attribute)].into(),
            sender_id: "AIDA".to_owned(),
            trace_header: Some("Root=1-a".to_owned()),
            ..message("a")
        }],
    )
    .await;
    // No time passes.
    world.quiet().await;
    let call = world.calls().remove(0);
    assert_eq!(call.at, secs(0));
    assert_eq!(call.trace_headers, ["Root=1-a"]);
    let record = &call.event["Records"][0];
    assert_eq!(record["eventSourceARN"], "arn:aws:sqs:eu-central-1:000000000000:q");
    assert_eq!(record["messageAttributes"]["Author"]["stringValue"], "x");
    assert_eq!(record["attributes"]["SentTimestamp"], "1800000000000");
    assert!(world.is_empty("q").await);
    let sent = What::Sent {
        to: "arn:aws:lambda:eu-central-1:000000000000:function:f".to_owned(),
        role: "event source mapping".to_owned(),
        id: "request".to_owned(),
    };
    assert!(world.story("id-a").contains(&sent));
    assert!(matches!(&world.story("request")[..], [What::Attempted(attempted)] if attempted.number == 1));
}

#[tokio::test(start_paused = true)]
async fn a_window_gathers_a_large_batch() {
    let world = World::new();
    let queue = world.open("q", standard());
    let windowed = Mapping { batch_size: 500, batching_window: secs(20), ..mapping("m") };
    world.create(windowed).await;
    for n in 0..4 {
        send(&queue, (0..30).map(|m| message(&format!("{n}-{m}")))).await;
        world.advance(secs(5)).await;
        let due = world.sources.due(10).await;
        let expected = (n < 3).then_some((crate::world::START + secs(20), "batching window ends"));
        assert_eq!(due.first().map(|due| (due.at, due.what.as_str())), expected);
    }
    assert_eq!(world.calls().len(), 1);
    assert_eq!((world.calls()[0].bodies().len(), world.calls()[0].at), (120, secs(20)));
    // A full one does not wait.
    send(&queue, (0..500).map(|n| message(&format!("x{n}")))).await;
    world.until(async || world.calls().len() == 2).await;
    assert_eq!((world.calls()[1].bodies().len(), world.calls()[1].at), (500, secs(20)));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_window_is_stopped_at_once() {
    let world = World::new();
    let queue = world.open("q", standard());
    let windowed = Mapping { batch_size: 500, batching_window: secs(300), ..mapping("m") };
    world.create(windowed).await;
    send(&queue, [message("a")]).await;
    world.quiet().await;
    assert_eq!(world.counts("q").await, (0, 1));
    let change = |mapping: &mut Mapping| mapping.is_enabled = false;
    world.update("m", change).await.unwrap();
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.calls()[0].at, secs(0));
}

#[tokio::test(start_paused = true)]
async fn messages_stay_hidden_through_the_window_and_the_function() {
    let world = World::new();
    let queue = world.open("q", Settings { visibility_timeout: secs(5), ..standard() });
    let windowed = Mapping { batch_size: 500, batching_window: secs(20), ..mapping("m") };
    world.create(windowed).await;
    send(&queue, [message("a")]).await;
    world.advance(secs(19)).await;
    assert_eq!((world.calls().len(), world.counts("q").await), (0, (0, 1)));
    world.advance(secs(1)).await;
    assert_eq!(world.calls()[0].at, secs(20));
    assert!(world.is_empty("q").await);
    // One that fails is hidden for the window, the function and 30 seconds.
    world.behave(|call| if call.at < secs(60) { crate::world::Does::Fails } else { ok() });
    send(&queue, [message("b")]).await;
    world.advance(secs(20)).await;
    let back = secs(20) + TIMEOUT + secs(30);
    world.advance(back + secs(10)).await;
    let times: Vec<u64> = world.calls().iter().map(|call| call.at.as_secs()).collect();
    assert_eq!(times, [20, 40, 20 + back.as_secs() + 20]);
}

#[tokio::test(start_paused = true)]
async fn messages_stay_hidden_though_the_queue_was_changed_while_a_worker_waited() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(Mapping { batch_size: 500, batching_window: secs(20), ..mapping("m") }).await;
    world.quiet().await;
    world.hide("q", secs(5));
    send(&queue, [message("a")]).await;
    world.advance(secs(10)).await;
    // Also while it gathers.
    world.hide("q", secs(1));
    world.advance(secs(10)).await;
    let call = world.calls().remove(0);
    assert_eq!((call.bodies(), call.at), (vec!["a".to_owned()], secs(20)));
    assert_eq!(call.event["Records"][0]["attributes"]["ApproximateReceiveCount"], "1");
}

#[tokio::test(start_paused = true)]
async fn a_longer_visibility_timeout_holds_for_a_worker_that_waited_before_it_was_set() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.behave(|_| crate::world::Does::Fails);
    world.create(Mapping { batch_size: 500, batching_window: secs(20), ..mapping("m") }).await;
    world.quiet().await;
    world.hide("q", secs(600));
    send(&queue, [message("a")]).await;
    world.advance(secs(599)).await;
    assert_eq!((world.calls().len(), world.counts("q").await), (1, (0, 1)));
    world.advance(secs(30)).await;
    assert_eq!(world.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_event_is_larger_than_6_mb_and_the_rest_comes_next() {
    let world = World::new();
    let queue = world.open("q", standard());
    for n in 0..9 {
        let body = format!("{n}{}", "x".repeat(1_000_000));
        send(&queue, [NewMessage { body, ..message(&n.to_string()) }]).await;
    }
    world.create(Mapping { batch_size: 100, batching_window: secs(5), ..mapping("m") }).await;
    world.advance(secs(20)).await;
    world.until(async || world.is_empty("q").await).await;
    let calls = world.calls();
    let mut seen: Vec<u8> = Vec::new();
    for call in &calls {
        assert!(call.event.to_string().len() <= 6 << 20);
        for record in call.event["Records"].as_array().unwrap() {
            assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
            seen.push(record["body"].as_str().unwrap().as_bytes()[0]);
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, b"012345678");
    assert_eq!(calls[0].bodies().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn what_no_filter_wants_is_deleted_and_fills_no_batch() {
    let world = World::new();
    let queue = world.open("q", standard());
    let filters = vec![r#"{"body":{"kind":["good"]}}"#.to_owned()];
    let bodies = (0..40).map(|n| match n % 4 {
        0 => NewMessage { body: format!(r#"{{"kind":"good","n":{n}}}"#), ..message(&n.to_string()) },
        1 => NewMessage { body: format!(r#"{{"kind":"bad","n":{n}}}"#), ..message(&n.to_string()) },
        _ => message(&format!("plain {n}")),
    });
    send(&queue, bodies).await;
    world.create(Mapping { filters, batch_size: 100, batching_window: secs(1), ..mapping("m") }).await;
    world.advance(secs(5)).await;
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.batches().iter().map(Vec::len).collect::<Vec<_>>(), [10]);
    assert!(world.handled().iter().all(|body| body.contains("good")));
    for (figure, count) in [
        ("PolledEventCount", 40.0),
        ("FilteredOutEventCount", 30.0),
        ("InvokedEventCount", 10.0),
        ("DeletedEventCount", 10.0),
        ("NumberOfMessagesReceived", 40.0),
        ("NumberOfMessagesDeleted", 40.0),
    ] {
        assert!((world.figure(figure) - count).abs() < 0.1, "{figure}: {}", world.figure(figure));
    }
    send(&queue, [message("plain")]).await;
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_metrics_config_nothing_is_counted() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(Mapping { counts_events: false, ..mapping("m") }).await;
    send(&queue, [message("a")]).await;
    world.until(async || world.is_empty("q").await).await;
    let figures = world.outside.figures.lock().unwrap();
    assert_eq!(figures.keys().collect::<Vec<_>>(), [&"NumberOfMessagesDeleted", &"NumberOfMessagesReceived"]);
}

#[tokio::test(start_paused = true)]
async fn a_window_counts_even_if_nothing_is_known_of_the_function() {
    let world = World::new();
    let queue = world.open("q", Settings { visibility_timeout: secs(5), ..standard() });
    world.outside.has_function.store(false, std::sync::atomic::Ordering::Relaxed);
    world.create(Mapping { batch_size: 500, batching_window: secs(20), ..mapping("m") }).await;
    send(&queue, [message("a")]).await;
    world.advance(secs(20)).await;
    assert_eq!(world.batches(), [["a"]]);
    assert!(world.is_empty("q").await);
}
