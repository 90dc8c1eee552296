//! From a checked message to everything that comes of it on disk.
//!
//! What is small is delivered in the commit that acknowledges it. What is large is only written down in that commit, and
//! delivered in steps by the background.

use clock::Timestamp;
use store::{CommitError, Transaction};
use targets::{Prepared, TargetError, TopicMessage};

use crate::Sns;
use crate::errors::{Failure, Outcome};
use crate::fan_out::{Batch, fan_out};
use crate::fifo;
use crate::message::{Publication, Texts};
use crate::stories::Fate;
use crate::tables::publication::{PROGRESS, PUBLICATIONS, Progress};
use crate::topic::{TRIES_MAX, TopicKey};
use crate::topics::{self, Topic};

/// What one commit may deliver, in bytes of bodies. Twice quoted in JSON, they may become four times as many; a
/// transaction holds 8 MiB.
pub(crate) const BODY_BYTES_MAX: usize = 2 << 20;

/// The same for a commit that is another service's own.
const SHARED_BODY_BYTES_MAX: usize = BODY_BYTES_MAX / 8;

/// To how many subscriptions one commit may deliver.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 200;

/// What an envelope adds to a message.
const ENVELOPE_BYTES: usize = 2_048;

/// The bytes that one subscriber of this message gets, more or less.
pub(crate) fn body_bytes(publication: &Publication) -> usize {
    publication.texts.longest().max(publication.size_bytes) + ENVELOPE_BYTES
}

/// Publishes messages, in order. Returns what they are known as: a duplicate is known as the first of its kind.
///
/// # Errors
/// `NotFound`, or our own fault.
pub(crate) async fn publish(
    sns: &Sns,
    key: &TopicKey,
    publications: Vec<Publication>,
) -> Outcome<Vec<(String, Option<u64>)>> {
    if topics::get(sns, key).await?.record.is_fifo() {
        return fifo::publish(sns, key, publications).await;
    }
    let mut budget = BODY_BYTES_MAX;
    for _ in 0..TRIES_MAX {
        let topic = topics::get(sns, key).await?;
        let batch = batch_of(sns, &topic, &publications, Transaction::new(), budget).await?;
        match batch.commit(sns).await {
            Ok(()) => {
                return Ok(publications.into_iter().map(|publication| (publication.id, None)).collect());
            }
            // A queue or function changed in the meantime: it is asked again.
            Err(CommitError::Conflict(_)) => {}
            Err(CommitError::TooLarge(_)) if budget > 0 => budget = 0,
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Conflict)
}

/// Everything that comes of these messages, as far as that is within `budget` bytes of bodies.
///
/// # Errors
/// Our own fault only.
pub(crate) async fn batch_of(
    sns: &Sns,
    topic: &Topic,
    publications: &[Publication],
    transaction: Transaction,
    budget: usize,
) -> Outcome<Batch> {
    let mut batch = Batch::new(transaction);
    let subscriptions = topic.subscriptions.len();
    let bytes: usize = publications.iter().map(body_bytes).sum();
    let is_large = bytes * subscriptions > budget || publications.len() * subscriptions > SUBSCRIPTIONS_MAX;
    for publication in publications {
        let (by, from) = (publication.by.clone(), publication.from.clone());
        batch.note(topic, publication, Fate::Accepted { by, from, size_bytes: publication.size_bytes });
        if is_large {
            write_down(sns, &mut batch, topic, publication)?;
        } else {
            fan_out(sns, &mut batch, topic, publication, &topic.subscriptions).await?;
            batch.note_end(topic, publication);
        }
    }
    Ok(batch)
}

/// Adds: deliver this in the background.
fn write_down(sns: &Sns, batch: &mut Batch, topic: &Topic, publication: &Publication) -> Outcome<()> {
    let order = publication.sequence_number.unwrap_or_else(|| sns.next_number());
    let progress = Progress { topic: topic.key.clone(), after: None };
    let parts = [(&topic.record.id).into(), order.into(), (&publication.id).into()];
    PUBLICATIONS.put(&mut batch.transaction, &[(&publication.id).into()], publication)?;
    PROGRESS.put(&mut batch.transaction, &parts, &progress)?;
    batch.publications = true;
    Ok(())
}

/// What another service hands over, as a message of a topic.
pub(crate) fn publication_of(message: TopicMessage, id: String, at: Timestamp) -> Publication {
    let TopicMessage { message, subject, attributes, trace_header, from } = message;
    let attribute_bytes = |(name, attribute): (&String, &targets::MessageAttribute)| {
        let value = match &attribute.value {
            targets::AttributeValue::String(text) => text.len(),
            targets::AttributeValue::Binary(bytes) => bytes.len(),
        };
        name.len() + attribute.data_type.len() + value
    };
    let size_bytes = message.len() + attributes.iter().map(attribute_bytes).sum::<usize>();
    Publication {
        id,
        at,
        texts: Texts::of(message),
        subject,
        attributes,
        group_id: None,
        deduplication_id: None,
        sequence_number: None,
        trace_header,
        by: from.clone().unwrap_or_else(|| "lambda.amazonaws.com".to_owned()),
        from,
        size_bytes,
    }
}

/// Everything that comes of another service's message, for that service to commit.
///
/// # Errors
/// When the topic does not exist, or does not accept it.
pub(crate) async fn prepare(
    sns: &Sns,
    key: &TopicKey,
    message: TopicMessage,
) -> Result<Prepared, TargetError> {
    let topic = find_target(sns, key).await?.ok_or_else(|| TargetError::NotFound(key.arn()))?;
    if topic.record.is_fifo() {
        return Err(TargetError::Refused("a FIFO topic takes no message without a group".to_owned()));
    }
    let id = sns.parts.ids.request_id().to_string();
    let publication = publication_of(message, id.clone(), sns.parts.clock.now());
    if publication.size_bytes > topic.record.message_bytes_max() {
        return Err(TargetError::Refused("Invalid parameter: Message too long".to_owned()));
    }
    let batch = batch_of(sns, &topic, &[publication], Transaction::new(), SHARED_BODY_BYTES_MAX).await;
    let mut batch = batch.map_err(|failure| unavailable(&failure))?;
    let part = std::mem::take(&mut batch.transaction);
    let sns = sns.clone();
    Ok(Prepared::new(id, part, move |settled| batch.settle(&sns, settled)))
}

/// The topic, as a target of other services.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn find_target(
    sns: &Sns,
    key: &TopicKey,
) -> Result<Option<std::sync::Arc<Topic>>, TargetError> {
    match topics::get(sns, key).await {
        Ok(topic) => Ok(Some(topic)),
        Err(Failure::Answer(_)) => Ok(None),
        Err(failure) => Err(unavailable(&failure)),
    }
}

fn unavailable(failure: &Failure) -> TargetError {
    TargetError::Unavailable(format!("SNS: {failure:?}"))
}
