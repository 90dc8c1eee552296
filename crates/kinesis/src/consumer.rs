//! Consumers: readers of a stream that it knows by name, and that records are pushed to.

mod changes;
mod reference;
mod subscription;
mod subscriptions;

pub(crate) use changes::{resume, spawn};
pub(crate) use reference::{Consumer, ConsumerReference};
pub(crate) use subscription::{Subscription, events};
pub(crate) use subscriptions::{Place, Subscriptions};

use ids::{AccountId, Region};
use store::{StoreError, Transaction};
use stream::ShardId;
use wire::Error;

use crate::errors::{in_use, not_found, read_failed, store_failed};
use crate::service::Inner;
use crate::tables::{CONSUMERS, ConsumerKey, StreamKey};

/// The most that a stream has: "you can register up to 20 consumers per stream" (API reference, `RegisterStreamConsumer`).
pub(crate) const CONSUMERS_MAX: usize = 20;

/// All consumers of a stream, by name.
pub(crate) async fn all(inner: &Inner, stream: &StreamKey) -> Result<Vec<Consumer>, Error> {
    let snapshot = inner.store.snapshot().await.map_err(read_failed)?;
    let rows = CONSUMERS.list(&*snapshot, &stream.parts(), None, CONSUMERS_MAX).await;
    rows.map_err(|error| store_failed(&error))?
        .into_iter()
        .map(|row| Ok(Consumer { key: read_key(&row.key)?, record: row.record }))
        .collect()
}

/// With a stream go its consumers; their subscriptions end because the stream does.
pub(crate) fn remove_all(transaction: &mut Transaction, stream: &StreamKey) {
    CONSUMERS.delete_all(transaction, &stream.parts());
}

pub(crate) fn read_key(row: &[u8]) -> Result<ConsumerKey, Error> {
    let read = || {
        let mut key = CONSUMERS.read_key(row)?;
        let damaged = |_| StoreError::Damaged("a consumer's key".to_owned());
        let stream = StreamKey {
            account: AccountId::parse(&key.str()?).map_err(damaged)?,
            region: Region::parse(&key.str()?).map_err(damaged)?,
            name: key.str()?,
        };
        Ok(ConsumerKey { stream, name: key.str()? })
    };
    read().map_err(read_failed)
}

/// As AWS says it (public reports).
pub(crate) fn not_active(consumer: &Consumer) -> Error {
    let ConsumerKey { stream, name } = &consumer.key;
    in_use(format!(
        "Consumer {name} with creation timestamp {} under stream: {} , account {} is not in ACTIVE status.",
        consumer.record.created.as_secs(),
        stream.name,
        stream.account
    ))
}

/// As AWS says it (public reports).
pub(crate) fn already_subscribed(key: &ConsumerKey, shard: ShardId) -> Error {
    let ConsumerKey { stream: StreamKey { account, name: stream, .. }, name } = key;
    in_use(format!("Another active subscription exists for this consumer: {account}:{stream}:{shard}:{name}"))
}

pub(crate) fn consumer_missing(key: &ConsumerKey) -> Error {
    let ConsumerKey { stream, name } = key;
    not_found(format!("Consumer {name} under stream {}, account {} not found.", stream.name, stream.account))
}
