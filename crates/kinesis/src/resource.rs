//! What tags and policies are attached to, by its ARN: streams and consumers.

use std::collections::BTreeMap;

use ids::Arn;
use store::Transaction;
use wire::{Context, Error};

use crate::consumer::ConsumerReference;
use crate::errors::{access_denied, commit_failed, invalid, not_found, store_failed, stream_missing};
use crate::service::Inner;
use crate::stream_reference::refuse_id;
use crate::tables::{CONSUMERS, ConsumerKey, StreamKey};

/// What is attached to a resource.
pub(crate) struct Attached<'a> {
    pub(crate) tags: &'a mut BTreeMap<String, String>,
    pub(crate) policy: &'a mut Option<String>,
}

enum Resource {
    Stream(StreamKey),
    Consumer,
}

fn resource(context: &Context, arn: &str, id: Option<&String>) -> Result<Resource, Error> {
    refuse_id(id)?;
    let parsed = Arn::parse(arn).ok();
    if parsed.as_ref().and_then(ConsumerKey::of_arn).is_some() {
        return Ok(Resource::Consumer);
    }
    let key = parsed.as_ref().and_then(StreamKey::of_arn);
    let key = key.ok_or_else(|| invalid(format!("ResourceARN {arn} is invalid.")))?;
    if key.account != context.account {
        return Err(access_denied(&context.caller.arn, arn));
    }
    if key.region != context.region || key.arn() != arn {
        return Err(not_found(format!("Kinesis resource {arn} not found")));
    }
    Ok(Resource::Stream(key))
}

/// Its tags and its policy.
pub(crate) async fn read(
    inner: &Inner,
    context: &Context,
    arn: &str,
    id: Option<&String>,
) -> Result<(BTreeMap<String, String>, Option<String>), Error> {
    match resource(context, arn, id)? {
        Resource::Stream(key) => {
            let open = inner.directory.find(&key).await?.ok_or_else(|| stream_missing(&key))?;
            Ok((open.record.tags.clone(), open.record.policy.clone()))
        }
        Resource::Consumer => {
            let consumer = ConsumerReference::of_arn(arn.to_owned(), None).find(inner, context).await?;
            Ok((consumer.record.tags, consumer.record.policy))
        }
    }
}

/// Changes its tags or its policy.
pub(crate) async fn change(
    inner: &Inner,
    context: &Context,
    arn: &str,
    id: Option<&String>,
    change: impl FnOnce(&StreamKey, Attached<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let resource = resource(context, arn, id)?;
    let turn = inner.directory.turn().await;
    let key = match resource {
        Resource::Stream(key) => {
            let attached = |record: &mut crate::tables::StreamRecord| {
                change(&key, Attached { tags: &mut record.tags, policy: &mut record.policy })
            };
            return turn.change(&key, attached).await;
        }
        Resource::Consumer => ConsumerReference::of_arn(arn.to_owned(), None),
    };
    let mut consumer = key.find(inner, context).await?;
    let record = &mut consumer.record;
    change(&consumer.key.stream, Attached { tags: &mut record.tags, policy: &mut record.policy })?;
    let mut transaction = Transaction::new();
    let put = CONSUMERS.put(&mut transaction, &consumer.key.parts(), &consumer.record);
    put.map_err(|error| store_failed(&error))?;
    inner.store.commit(transaction).await.map(|_| ()).map_err(|error| commit_failed(&error))
}
