//! `RegisterStreamConsumer`.

use std::collections::BTreeMap;
use std::sync::Arc;

use api_kinesis::{RegisterStreamConsumerInput, RegisterStreamConsumerOutput};
use store::Transaction;
use wire::{Context, Error};

use crate::consumer::{self, CONSUMERS_MAX, Consumer};
use crate::errors::{commit_failed, in_use, not_active, over_limit, store_failed, stream_missing};
use crate::service::Inner;
use crate::stream_reference::StreamReference;
use crate::tables::{CONSUMERS, ConsumerChange, ConsumerKey, ConsumerRecord, StreamKey};
use crate::tags;

/// "only 5 consumers can be created simultaneously" (API reference).
const REGISTERING_MAX: usize = 5;

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    input: RegisterStreamConsumerInput,
) -> Result<RegisterStreamConsumerOutput, Error> {
    let stream = StreamReference::of_arn(input.stream_arn, input.stream_id).key(context)?;
    let tags = tags::merge(&stream, &BTreeMap::new(), input.tags.unwrap_or_default())?;
    let hold = inner.clock.hold();
    let turn = inner.directory.turn().await;
    let record = turn.read(&stream).await?.ok_or_else(|| stream_missing(&stream))?;
    if !record.is_usable() {
        return Err(not_active(&stream, &record));
    }
    let key = ConsumerKey { stream, name: input.consumer_name };
    check_room(&key, &consumer::all(inner, &key.stream).await?)?;
    let change = Some(ConsumerChange::Register);
    let record = ConsumerRecord { created: inner.clock.now(), change, tags, policy: None };
    let mut transaction = Transaction::new();
    CONSUMERS.put(&mut transaction, &key.parts(), &record).map_err(|error| store_failed(&error))?;
    let committed = inner.store.commit(transaction).await;
    drop(turn);
    // It may be there even if that is not known.
    consumer::spawn(inner, key.clone(), hold);
    committed.map_err(|error| commit_failed(&error))?;
    Ok(RegisterStreamConsumerOutput { consumer: Consumer { key, record }.shown() })
}

/// Whether the stream has room for one more, and no other one of that name.
fn check_room(key: &ConsumerKey, present: &[Consumer]) -> Result<(), Error> {
    let ConsumerKey { stream: StreamKey { account, name: stream, .. }, name } = key;
    if present.iter().any(|consumer| consumer.key.name == *name) {
        let message = format!("Consumer {name} under stream {stream}, account {account} already exists.");
        return Err(in_use(message));
    }
    let registering =
        present.iter().filter(|consumer| consumer.record.change == Some(ConsumerChange::Register));
    if registering.count() >= REGISTERING_MAX {
        let message = format!(
            "Stream {stream} under account {account} has {REGISTERING_MAX} consumers in CREATING status."
        );
        return Err(over_limit(message));
    }
    if present.len() >= CONSUMERS_MAX {
        let message =
            format!("Stream {stream} under account {account} has {CONSUMERS_MAX} consumers already.");
        return Err(over_limit(message));
    }
    Ok(())
}
