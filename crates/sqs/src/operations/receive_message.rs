//! `ReceiveMessage`.

use std::pin::pin;
use std::time::Duration;

use api_sqs::{Message, ReceiveMessageRequest, ReceiveMessageResult};
use clock::execution_timeout;
use queue::{QueueError, Receive};
use wire::{Client, Context, Error};

use crate::batch::unless_empty;
use crate::directory::OpenQueue;
use crate::errors::{invalid_value, queue_failed, wrong_queue_type};
use crate::message::{Wanted, check_id};
use crate::service::Inner;
use crate::{metrics, queue_url};

/// How long a client that waits is kept when the server stops: a commit's time.
const LAST_MOMENT: Duration = Duration::from_millis(100);

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    mut input: ReceiveMessageRequest,
) -> Result<ReceiveMessageResult, Error> {
    let queue = queue_url::find(inner, context, input.queue_url.take()).await?;
    let request = checked(&queue, &mut input)?;
    let wanted = Wanted::new(
        input.attribute_names,
        input.message_system_attribute_names,
        input.message_attribute_names,
    )?;
    let received =
        receive(inner, &context.client, &queue, request).await.map_err(|error| queue_failed(&error))?;
    metrics::received(inner, &queue, received.len());
    let messages: Vec<Message> = received.into_iter().map(|message| wanted.message(message)).collect();
    Ok(ReceiveMessageResult { messages: unless_empty(messages) })
}

/// Nobody waits for messages any more once the server stops, or the client is gone: a message that is taken for nobody
/// has been received once more, and may be in the dead-letter queue for it.
async fn receive(
    inner: &Inner,
    client: &Client,
    queue: &OpenQueue,
    mut request: Receive,
) -> Result<Vec<queue::Message>, QueueError> {
    if inner.polls.is_shutting_down() {
        request.wait = Duration::ZERO;
    }
    if request.wait.is_zero() {
        return queue.messages.receive(request).await;
    }
    // A client that has only stopped sending gets what is at hand.
    let at_hand = Receive { wait: Duration::ZERO, ..request.clone() };
    let received = queue.messages.receive(at_hand).await?;
    if !received.is_empty() {
        return Ok(received);
    }
    let mut receiving = pin!(queue.messages.receive(request));
    tokio::select! {
        received = &mut receiving => return received,
        () = client.gone() => return Ok(Vec::new()),
        () = inner.polls.shutting_down() => {}
    }
    // What is on its way to this client still reaches it.
    execution_timeout(LAST_MOMENT, receiving).await.unwrap_or_else(|_| Ok(Vec::new()))
}

fn checked(queue: &OpenQueue, input: &mut ReceiveMessageRequest) -> Result<Receive, Error> {
    let max_messages = input.max_number_of_messages.unwrap_or(1);
    let max_messages =
        usize::try_from(max_messages).ok().filter(|count| (1..=10).contains(count)).ok_or_else(|| {
            let reason = "Must be between 1 and 10, if provided.";
            invalid_value(max_messages, "MaxNumberOfMessages", reason)
        })?;
    let wait = seconds("WaitTimeSeconds", input.wait_time_seconds, 20)?.unwrap_or(queue.behaviour.wait);
    let visibility_timeout = seconds("VisibilityTimeout", input.visibility_timeout, 43_200)?;
    let attempt_id = input.receive_request_attempt_id.take();
    check_id("ReceiveRequestAttemptId", attempt_id.as_deref())?;
    match attempt_id {
        Some(id) if !queue.is_fifo() => Err(wrong_queue_type(id, "ReceiveRequestAttemptId")),
        attempt_id => Ok(Receive { max_messages, visibility_timeout, wait, attempt_id }),
    }
}

fn seconds(parameter: &str, value: Option<i32>, max: u64) -> Result<Option<Duration>, Error> {
    let Some(value) = value else { return Ok(None) };
    match u64::try_from(value) {
        Ok(seconds) if seconds <= max => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(invalid_value(value, parameter, &format!("Must be >= 0 and <= {max}, if provided."))),
    }
}
