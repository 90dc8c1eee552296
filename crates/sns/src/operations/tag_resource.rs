//! `TagResource`.

use std::collections::HashSet;

use api_sns::{Tag, TagResourceRequest, TagResourceResponse};
use wire::Context;

use crate::Sns;
use crate::errors::{Failure, Outcome, invalid, resource_missing, too_many_tags};
use crate::tables::topic::TopicRecord;
use crate::topic::{self, TopicKey};

/// "You can add up to 50 tags to a topic" (developer guide, "Amazon SNS topic tagging").
const TAGS_MAX: usize = 50;

pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: TagResourceRequest,
) -> Outcome<TagResourceResponse> {
    let key = tagged(context, &input.resource_arn)?;
    let tags = as_pairs(input.tags);
    check_tags(&tags)?;
    let change = |record: &mut TopicRecord, _: &mut _| {
        for (name, value) in &tags {
            match record.tags.iter_mut().find(|(present, _)| present == name) {
                Some((_, present)) => present.clone_from(value),
                None => record.tags.push((name.clone(), value.clone())),
            }
        }
        if record.tags.len() > TAGS_MAX { Err(too_many_tags()) } else { Ok(()) }
    };
    topic::change(sns, &key, change).await.map_err(missing)?;
    Ok(TagResourceResponse {})
}

/// The topic whose tags are meant; only its own account's.
pub(crate) fn tagged(context: &Context, arn: &str) -> Outcome<TopicKey> {
    let key = TopicKey::parse(context, arn)?;
    if key.account == context.account { Ok(key) } else { Err(resource_missing()) }
}

/// In the words of the operations on tags.
pub(crate) fn missing(failure: Failure) -> Failure {
    match failure {
        Failure::Answer(error) if error.code() == "NotFound" => resource_missing(),
        other => other,
    }
}

pub(crate) fn as_pairs(tags: Vec<Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// Refuses what no topic can have.
pub(crate) fn check_tags(tags: &[(String, String)]) -> Outcome<()> {
    let distinct: HashSet<&String> = tags.iter().map(|(key, _)| key).collect();
    if distinct.len() < tags.len() {
        return Err(invalid("Duplicated keys are not allowed."));
    }
    if tags.len() > TAGS_MAX {
        return Err(too_many_tags());
    }
    if tags.iter().any(|(key, _)| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(invalid("Tag keys that begin with aws: are reserved."));
    }
    Ok(())
}
