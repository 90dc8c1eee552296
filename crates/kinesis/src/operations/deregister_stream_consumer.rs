//! `DeregisterStreamConsumer`.

use std::sync::Arc;

use api_kinesis::DeregisterStreamConsumerInput;
use store::Transaction;
use wire::{Context, Error};

use crate::consumer::{self, ConsumerReference};
use crate::errors::{commit_failed, store_failed};
use crate::service::Inner;
use crate::tables::{CONSUMERS, ConsumerChange};

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    input: DeregisterStreamConsumerInput,
) -> Result<(), Error> {
    let reference = ConsumerReference {
        arn: input.consumer_arn,
        stream_arn: input.stream_arn,
        name: input.consumer_name,
        stream_id: input.stream_id,
    };
    let hold = inner.clock.hold();
    let turn = inner.directory.turn().await;
    let mut consumer = reference.find(inner, context).await?;
    consumer.record.change = Some(ConsumerChange::Deregister);
    let mut transaction = Transaction::new();
    let put = CONSUMERS.put(&mut transaction, &consumer.key.parts(), &consumer.record);
    put.map_err(|error| store_failed(&error))?;
    let committed = inner.store.commit(transaction).await;
    drop(turn);
    inner.subscriptions.end(&consumer.arn());
    inner.deregistered.notify_waiters();
    // It may have been written even if that is not known.
    consumer::spawn(inner, consumer.key, hold);
    committed.map(|_| ()).map_err(|error| commit_failed(&error))
}
