//! FIFO queues, as far as the service has rules of its own for them.

use api_sqs::{
    DeleteMessageRequest, Message, ReceiveMessageRequest, SendMessageRequest, SendMessageResult, Sqs as _,
};
use wire::Error;

use crate::world::{World, refused};

async fn send(world: &World, input: SendMessageRequest) -> Result<SendMessageResult, Error> {
    let input = SendMessageRequest { queue_url: world.url("q.fifo"), ..input };
    world.sqs.send_message(&world.context, input).await
}

fn message(body: &str, group: &str, deduplication: &str) -> SendMessageRequest {
    SendMessageRequest {
        message_body: Some(body.to_owned()),
        message_group_id: Some(group.to_owned()),
        message_deduplication_id: Some(deduplication.to_owned()),
        ..Default::default()
    }
}

async fn world() -> World {
    let world = World::new();
    world.create("q.fifo", &[("FifoQueue", "true")]).await.unwrap();
    world
}

#[tokio::test]
async fn messages_need_a_group_and_a_deduplication_id() {
    let world = world().await;
    let without_group = SendMessageRequest { message_group_id: None, ..message("x", "g", "d") };
    let missing = "The request must contain the parameter MessageGroupId.";
    refused(send(&world, without_group).await, "MissingParameter", missing);
    let without_deduplication =
        SendMessageRequest { message_deduplication_id: None, ..message("x", "g", "d") };
    let required = "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly";
    refused(send(&world, without_deduplication).await, "InvalidParameterValue", required);
    for parameter in ["MessageGroupId", "MessageDeduplicationId"] {
        for id in ["a b", "é", &"a".repeat(129)] {
            let input = match parameter {
                "MessageGroupId" => message("x", id, "d"),
                _ => message("x", "g", id),
            };
            let text = format!(
                "Value {id} for parameter {parameter} is invalid. Reason: {parameter} can only include alphanumeric and \
                 punctuation characters. 1 to 128 in length."
            );
            refused(send(&world, input).await, "InvalidParameterValue", &text);
        }
    }
    let delayed = SendMessageRequest { delay_seconds: Some(2), ..message("x", "g", "d") };
    let wrong = "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this \
                 queue type.";
    refused(send(&world, delayed).await, "InvalidParameterValue", wrong);
    let at_once = SendMessageRequest { delay_seconds: Some(0), ..message("x", "g", "d") };
    send(&world, at_once).await.unwrap();
}

#[tokio::test]
async fn a_duplicate_gets_the_first_ones_answer() {
    let world = world().await;
    let first = send(&world, message("x", "g", "d")).await.unwrap();
    let second = send(&world, message("y", "g", "d")).await.unwrap();
    assert_eq!((&first.message_id, &first.sequence_number), (&second.message_id, &second.sequence_number));
    let received = world.receive("q.fifo").await;
    assert_eq!(received.len(), 1);
    let attributes = received[0].attributes.clone().unwrap();
    assert_eq!(attributes["MessageGroupId"], "g");
    assert_eq!(attributes["MessageDeduplicationId"], "d");
    assert_eq!(Some(&attributes["SequenceNumber"]), first.sequence_number.as_ref());
    assert_eq!(attributes["SequenceNumber"].len(), 20);
}

#[tokio::test]
async fn content_tells_duplicates_where_that_is_wished() {
    let world = World::new();
    world.create("q.fifo", &[("FifoQueue", "true"), ("ContentBasedDeduplication", "true")]).await.unwrap();
    let without =
        |body: &str| SendMessageRequest { message_deduplication_id: None, ..message(body, "g", "") };
    send(&world, without("x")).await.unwrap();
    send(&world, without("x")).await.unwrap();
    send(&world, without("y")).await.unwrap();
    assert_eq!(world.bodies("q.fifo").await, ["x", "y"]);
}

#[tokio::test]
async fn an_expired_receipt_deletes_nothing() {
    let world = world().await;
    send(&world, message("x", "g", "d")).await.unwrap();
    let receive = ReceiveMessageRequest { visibility_timeout: Some(1), ..Default::default() };
    let first: Message = world.receive_with("q.fifo", receive).await.unwrap().remove(0);
    world.advance(2).await;
    let receipt = first.receipt_handle.unwrap();
    let input =
        DeleteMessageRequest { queue_url: world.url("q.fifo"), receipt_handle: Some(receipt.clone()) };
    refused(
        world.sqs.delete_message(&world.context, input).await,
        "InvalidParameterValue",
        &format!(
            "Value {receipt} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
        ),
    );
    assert_eq!(world.bodies("q.fifo").await, ["x"]);
}

#[tokio::test]
async fn attempts_are_for_fifo_queues() {
    let world = world().await;
    send(&world, message("x", "g", "d")).await.unwrap();
    let attempt = || ReceiveMessageRequest {
        receive_request_attempt_id: Some("attempt".to_owned()),
        ..Default::default()
    };
    let one = world.receive_with("q.fifo", attempt()).await.unwrap();
    let two = world.receive_with("q.fifo", attempt()).await.unwrap();
    assert_eq!((one.len(), &one[0].message_id), (1, &two[0].message_id));
    world.create("q", &[]).await.unwrap();
    let error = world.receive_with("q", attempt()).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue");
}
