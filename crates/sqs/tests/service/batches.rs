//! Batches: each entry by itself, unless the batch is none.

use api_sqs::{
    ChangeMessageVisibilityBatchRequest, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequest,
    DeleteMessageBatchRequestEntry, SendMessageBatchRequest, SendMessageBatchRequestEntry,
    SendMessageBatchResult, Sqs as _,
};
use wire::Error;

use crate::world::{World, refused};

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry {
        id: Some(id.to_owned()),
        message_body: Some(body.to_owned()),
        ..Default::default()
    }
}

async fn send(
    world: &World,
    queue: &str,
    entries: Vec<SendMessageBatchRequestEntry>,
) -> Result<SendMessageBatchResult, Error> {
    let input = SendMessageBatchRequest { queue_url: world.url(queue), entries: Some(entries) };
    world.sqs.send_message_batch(&world.context, input).await
}

#[tokio::test]
async fn each_entry_succeeds_or_fails_by_itself() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    let late = SendMessageBatchRequestEntry { delay_seconds: Some(901), ..entry("late", "x") };
    let result =
        send(&world, "q", vec![entry("a", "one"), entry("empty", ""), late, entry("b", "two")]).await;
    let result = result.unwrap();
    let ids: Vec<String> = result.successful.unwrap().into_iter().map(|success| success.id).collect();
    assert_eq!(ids, ["a", "b"]);
    let failures: Vec<(String, String, bool)> = result
        .failed
        .unwrap()
        .into_iter()
        .map(|failure| (failure.id, failure.code, failure.sender_fault))
        .collect();
    assert_eq!(
        failures,
        [
            ("empty".to_owned(), "MissingParameter".to_owned(), true),
            ("late".to_owned(), "InvalidParameterValue".to_owned(), true),
        ]
    );
    let mut bodies = world.bodies("q").await;
    bodies.sort();
    assert_eq!(bodies, ["one", "two"]);
    assert_eq!(
        world.figures.take()[..3],
        ["q NumberOfMessagesSent 2", "q SentMessageSize 3", "q SentMessageSize 3"]
    );
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused_whole() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    refused(
        send(&world, "q", Vec::new()).await,
        "AWS.SimpleQueueService.EmptyBatchRequest",
        "There should be at least one SendMessageBatchRequestEntry in the request.",
    );
    refused(
        send(&world, "q", (0..20).map(|index| entry(&index.to_string(), "x")).collect()).await,
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "Maximum number of entries per request are 10. You have sent 20.",
    );
    for id in ["", "invalid:id", &"testLongId".repeat(10)] {
        refused(
            send(&world, "q", vec![entry(id, "x")]).await,
            "AWS.SimpleQueueService.InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters \
             long.",
        );
    }
    refused(
        send(&world, "q", vec![entry("a", "x"), entry("a", "y")]).await,
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "Id a repeated.",
    );
    refused(
        send(&world, "q", vec![entry("a", &"x".repeat(1_048_576)), entry("b", "y")]).await,
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
    );
    assert_eq!(world.bodies("q").await, Vec::<String>::new());
}

#[tokio::test]
async fn entries_of_fifo_queues_need_their_ids_or_the_batch_fails() {
    let world = World::new();
    world.create("q.fifo", &[("FifoQueue", "true")]).await.unwrap();
    let with = |group: Option<&str>, deduplication: Option<&str>| SendMessageBatchRequestEntry {
        message_group_id: group.map(str::to_owned),
        message_deduplication_id: deduplication.map(str::to_owned),
        ..entry("a", "x")
    };
    refused(
        send(&world, "q.fifo", vec![with(None, Some("d"))]).await,
        "InvalidParameterValue",
        "The request must contain the parameter MessageGroupId.",
    );
    refused(
        send(&world, "q.fifo", vec![with(Some("g"), None)]).await,
        "InvalidParameterValue",
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    );
    let sent = send(&world, "q.fifo", vec![with(Some("g"), Some("d"))]).await.unwrap().successful.unwrap();
    assert_eq!(sent[0].sequence_number.as_ref().map(String::len), Some(20));
}

#[tokio::test]
async fn receipts_are_changed_and_deleted_in_batches() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    send(&world, "q", vec![entry("a", "one"), entry("b", "two")]).await.unwrap();
    let receipts: Vec<Option<String>> =
        world.receive("q").await.into_iter().map(|message| message.receipt_handle).collect();
    let nonsense = Some("nonsense".to_owned());
    let change = |id: &str, receipt: &Option<String>| ChangeMessageVisibilityBatchRequestEntry {
        id: Some(id.to_owned()),
        receipt_handle: receipt.clone(),
        visibility_timeout: Some(0),
    };
    let input = ChangeMessageVisibilityBatchRequest {
        queue_url: world.url("q"),
        entries: Some(vec![change("a", &receipts[0]), change("x", &nonsense)]),
    };
    let changed = world.sqs.change_message_visibility_batch(&world.context, input).await.unwrap();
    assert_eq!(changed.successful.unwrap()[0].id, "a");
    assert_eq!(changed.failed.unwrap()[0].code, "ReceiptHandleIsInvalid");
    assert_eq!(world.receive("q").await.len(), 1);

    let delete = |id: &str, receipt: &Option<String>| DeleteMessageBatchRequestEntry {
        id: Some(id.to_owned()),
        receipt_handle: receipt.clone(),
    };
    let input = DeleteMessageBatchRequest {
        queue_url: world.url("q"),
        entries: Some(vec![delete("b", &receipts[1]), delete("x", &nonsense), delete("y", &None)]),
    };
    let deleted = world.sqs.delete_message_batch(&world.context, input).await.unwrap();
    assert_eq!(deleted.successful.unwrap()[0].id, "b");
    let codes: Vec<String> = deleted.failed.unwrap().into_iter().map(|failure| failure.code).collect();
    assert_eq!(codes, ["MissingParameter", "ReceiptHandleIsInvalid"]);
    assert!(world.figures.take().contains(&"q NumberOfMessagesDeleted 1".to_owned()));
}
