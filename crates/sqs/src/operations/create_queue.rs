//! `CreateQueue`.

use std::collections::BTreeMap;
use std::time::Duration;

use api_sqs::{CreateQueueRequest, CreateQueueResult};
use queue::QueueId;
use store::Transaction;
use wire::{Context, Error};

use crate::attributes::{self, Attributes};
use crate::dead_letter::check_target;
use crate::directory::Turn;
use crate::errors::{deleted_recently, invalid, queue_exists, required, store_failed, unknown_attribute};
use crate::queue_url::url;
use crate::service::Inner;
use crate::tables::{QUEUES, QueueKey, QueueRecord};
use crate::tags::merge;

const NAME_LETTERS_MAX: usize = 80;
const FIFO_QUEUE: &str = "FifoQueue";
const FIFO_SUFFIX: &str = ".fifo";

/// "If you delete a queue, you must wait at least 60 seconds before creating a queue with the same name" (API reference,
/// `DeleteQueue`).
pub(super) const NAME_BLOCKED: Duration = Duration::from_secs(60);

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: CreateQueueRequest,
) -> Result<CreateQueueResult, Error> {
    let name = required(input.queue_name, "QueueName")?;
    let key = QueueKey { account: context.account.clone(), region: context.region.clone(), name };
    let given = input.attributes.unwrap_or_default();
    check_name(&key, given.get(FIFO_QUEUE).map(String::as_str))?;
    let queue_url = Some(url(context, &key));
    let turn = inner.directory.turn().await;
    if let Some(present) = turn.read(&key).await? {
        compare(&key, &present.attributes, &given)?;
        return Ok(CreateQueueResult { queue_url });
    }
    let set = attributes::set(&Attributes::new(), &given, &key)?;
    check_target(&turn, &key, &set, given.get("RedrivePolicy")).await?;
    let now = inner.clock.now();
    if turn.deleted.get(&key).is_some_and(|deleted| now < *deleted + NAME_BLOCKED) {
        return Err(deleted_recently());
    }
    let record = QueueRecord {
        id: QueueId(inner.ids.request_id().to_string()),
        created: now,
        modified: now,
        attributes: set,
        tags: merge(&key, &BTreeMap::new(), input.tags.unwrap_or_default())?,
        purged: None,
    };
    create(&turn, &key, &record).await?;
    Ok(CreateQueueResult { queue_url })
}

async fn create(turn: &Turn<'_>, key: &QueueKey, record: &QueueRecord) -> Result<(), Error> {
    let mut transaction = Transaction::new();
    QUEUES.insert(&mut transaction, &key.parts(), record).map_err(|error| store_failed(&error))?;
    turn.commit(key, transaction).await?;
    turn.open(key).await?;
    turn.tell_sources(key).await
}

/// A FIFO queue's name ends in `.fifo`, and no other's does.
fn check_name(key: &QueueKey, fifo: Option<&str>) -> Result<(), Error> {
    let standard = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
    let letters = key.name.strip_suffix(FIFO_SUFFIX).unwrap_or(&key.name);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_fit = !letters.is_empty() && letters.bytes().all(is_letter) && key.name.len() <= NAME_LETTERS_MAX;
    match (fifo, key.is_fifo()) {
        (Some("true"), true) | (None, false) if is_fit => Ok(()),
        (Some("true"), _) => Err(invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo \
             suffix and be 1 to 80 in length.",
        )),
        (Some(_), false) if is_fit => Err(unknown_attribute(FIFO_QUEUE)),
        _ => Err(invalid(standard)),
    }
}

/// A queue that is there is what was asked for if nothing that was asked for differs.
fn compare(key: &QueueKey, present: &Attributes, given: &Attributes) -> Result<(), Error> {
    for (name, value) in given {
        let wanted = attributes::checked(key, name, value)?;
        if wanted.as_deref() != attributes::effective(present, key, name) {
            return Err(queue_exists(name));
        }
    }
    Ok(())
}
