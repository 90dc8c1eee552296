//! `PublishBatch`.

use std::collections::HashSet;

use api_sns::{PublishBatchInput, PublishBatchRequestEntry, PublishBatchResponse, PublishBatchResultEntry};
use wire::Context;

use crate::Sns;
use crate::errors::{
    Outcome, batch_empty, batch_id_invalid, batch_ids_not_distinct, batch_too_long, batch_too_many,
};
use crate::message::Draft;
use crate::operations::publish::sender;
use crate::publish;
use crate::topic::{TopicKey, authorize};
use crate::topics;

/// "A maximum of 10 messages."
const ENTRIES_MAX: usize = 10;

/// One entry that is wrong makes AWS refuse the whole request (observed), so none is ever reported as failed.
pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: PublishBatchInput,
) -> Outcome<PublishBatchResponse> {
    let entries = input.publish_batch_request_entries;
    check_entries(&entries)?;
    let key = TopicKey::parse(context, &input.topic_arn)?;
    let topic = topics::get(sns, &key).await?;
    authorize(context, &key, &topic.record, "Publish")?;
    let mut ids = Vec::with_capacity(entries.len());
    let mut drafts = Vec::with_capacity(entries.len());
    for entry in entries {
        ids.push(entry.id.clone());
        let draft = Draft::from(entry);
        draft.check()?;
        drafts.push(draft);
    }
    if drafts.iter().map(Draft::size_bytes).sum::<usize>() > topic.record.message_bytes_max() {
        return Err(batch_too_long());
    }
    let mut publications = Vec::with_capacity(drafts.len());
    for draft in drafts {
        draft.check_for(&topic.record)?;
        publications.push(draft.publication(Some(&topic.record), sender(sns, context))?);
    }
    let published = publish::publish(sns, &key, publications).await?;
    let entries = ids.into_iter().zip(published).map(|(id, (message_id, number))| PublishBatchResultEntry {
        id: Some(id),
        message_id: Some(message_id),
        sequence_number: number.map(|number| number.to_string()),
    });
    Ok(PublishBatchResponse { successful: Some(entries.collect()), failed: Some(Vec::new()) })
}

fn check_entries(entries: &[PublishBatchRequestEntry]) -> Outcome<()> {
    if entries.is_empty() {
        return Err(batch_empty());
    }
    if entries.len() > ENTRIES_MAX {
        return Err(batch_too_many());
    }
    let distinct: HashSet<&String> = entries.iter().map(|entry| &entry.id).collect();
    if distinct.len() < entries.len() {
        return Err(batch_ids_not_distinct());
    }
    let is_id = |id: &str| {
        (1..=80).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    if entries.iter().all(|entry| is_id(&entry.id)) { Ok(()) } else { Err(batch_id_invalid()) }
}
