//! `CreateTopic`.

use std::collections::BTreeMap;

use api_sns::{CreateTopicInput, CreateTopicResponse};
use store::Transaction;
use wire::Context;

use crate::Sns;
use crate::errors::{Failure, Outcome, invalid, invalid_as_is, unsupported};
use crate::operations::tag_resource::{as_pairs, check_tags};
use crate::tables::topic::{TOPICS, TopicRecord};
use crate::topic::{TRIES_MAX, TopicKey, check_attribute, default_value};

const NAME_LENGTH_MAX: usize = 256;

pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: CreateTopicInput,
) -> Outcome<CreateTopicResponse> {
    let CreateTopicInput { name, attributes, tags, data_protection_policy } = input;
    if data_protection_policy.is_some_and(|policy| !policy.is_empty()) {
        return Err(unsupported("DataProtectionPolicy"));
    }
    let mut attributes = attributes.unwrap_or_default();
    let fifo = check_name(&name, &attributes)?;
    for (name, value) in attributes.iter().filter(|(name, _)| *name != "FifoTopic") {
        check_attribute(fifo, name, value, "Attributes Reason: ")?;
    }
    if !fifo {
        // A standard topic does not show it.
        attributes.remove("FifoTopic");
    }
    let tags = tags.map(as_pairs);
    check_tags(tags.as_deref().unwrap_or_default())?;
    let key = TopicKey { account: context.account.clone(), region: context.region.clone(), name };
    for _ in 0..TRIES_MAX {
        if let Some(row) = TOPICS.get(&*sns.snapshot().await?, &key.parts()).await? {
            check_same(&key, &row.record, &attributes, tags.as_deref())?;
            return Ok(CreateTopicResponse { topic_arn: Some(key.arn()) });
        }
        let record = TopicRecord {
            id: sns.parts.ids.hex(16),
            created: sns.parts.clock.now(),
            attributes: attributes.clone(),
            tags: tags.clone().unwrap_or_default(),
            subscriptions_deleted: 0,
        };
        let mut transaction = Transaction::new();
        TOPICS.insert(&mut transaction, &key.parts(), &record)?;
        match sns.commit(&key, transaction).await {
            Ok(()) => return Ok(CreateTopicResponse { topic_arn: Some(key.arn()) }),
            Err(Failure::Conflict) => {}
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::Conflict)
}

/// Whether it is a FIFO topic's.
fn check_name(name: &str, attributes: &BTreeMap<String, String>) -> Outcome<bool> {
    let fifo = match attributes.get("FifoTopic").map(String::as_str) {
        Some("true") => true,
        Some("false") | None => false,
        Some(value) => {
            return Err(invalid(format!(
                "Attributes Reason: FifoTopic: Invalid value [{value}]. Must be true or false."
            )));
        }
    };
    let stem = if fifo { name.strip_suffix(".fifo") } else { Some(name) };
    let is_name = |stem: &str| {
        !stem.is_empty()
            && name.len() <= NAME_LENGTH_MAX
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    match stem {
        Some(stem) if is_name(stem) => Ok(fifo),
        _ if fifo => Err(invalid_as_is(
            "Invalid parameter: Topic Name Reason: Fifo Topic names must end with .fifo and must be made up of only \
             uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 \
             characters long.",
        )),
        _ => Err(invalid("Topic Name")),
    }
}

/// The topic that is there must be like the one that is asked for, as far as that goes.
fn check_same(
    key: &TopicKey,
    record: &TopicRecord,
    attributes: &BTreeMap<String, String>,
    tags: Option<&[(String, String)]>,
) -> Outcome<()> {
    let differs = |(name, value): (&String, &String)| match record.attribute(name) {
        Some(present) => present != value,
        None => default_value(key, name) != *value,
    };
    if attributes.iter().any(differs) {
        return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
    }
    let is_known = |tag: &(String, String)| record.tags.contains(tag);
    if tags.is_some_and(|tags| {
        !tags.iter().all(is_known) || (tags.len() != record.tags.len() && !tags.is_empty())
    }) {
        return Err(invalid("Tags Reason: Topic already exists with different tags"));
    }
    Ok(())
}
