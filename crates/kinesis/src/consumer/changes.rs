//! Consumers come and go in the background: each change is written down before its request is answered.

use std::sync::Arc;
use std::time::Duration;

use clock::{Hold, execution_sleep};
use store::Transaction;
use wire::Error;

use super::read_key;
use crate::background::changes::CHANGE_TAKES;
use crate::errors::{commit_failed, read_failed, store_failed};
use crate::service::Inner;
use crate::tables::{CONSUMERS, ConsumerChange, ConsumerKey};

/// How long is waited when the store fails.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// Rows that are read at a time.
const ROWS: usize = 500;

/// Goes on with what was under way.
pub(crate) async fn resume(inner: Arc<Inner>) {
    loop {
        match changing(&inner).await {
            Ok(consumers) => {
                for key in consumers {
                    spawn(&inner, key, inner.clock.hold());
                }
                return;
            }
            // It was logged.
            Err(_) => execution_sleep(STORE_PAUSE).await,
        }
    }
}

async fn changing(inner: &Inner) -> Result<Vec<ConsumerKey>, Error> {
    let (mut changing, mut after) = (Vec::new(), None);
    let snapshot = inner.store.snapshot().await.map_err(read_failed)?;
    loop {
        let page = CONSUMERS.list(&*snapshot, &[], after.as_deref(), ROWS).await;
        let page = page.map_err(|error| store_failed(&error))?;
        let Some(last) = page.last() else { return Ok(changing) };
        after = Some(last.key.clone());
        for row in page.iter().filter(|row| row.record.change.is_some()) {
            changing.push(read_key(&row.key)?);
        }
    }
}

/// Does what the consumer's row says is to be done. Virtual time waits for it.
pub(crate) fn spawn(inner: &Arc<Inner>, key: ConsumerKey, hold: Hold) {
    let inner_too = inner.clone();
    inner.tasks.spawn_until_shutdown("kinesis-consumer-change", async move {
        execution_sleep(CHANGE_TAKES).await;
        while finish(&inner_too, &key).await.is_err() {
            execution_sleep(STORE_PAUSE).await;
        }
        drop(hold);
    });
}

async fn finish(inner: &Inner, key: &ConsumerKey) -> Result<(), Error> {
    let _turn = inner.directory.turn().await;
    let row = CONSUMERS.get_now(&*inner.store, &key.parts()).await.map_err(|error| store_failed(&error))?;
    let Some(mut row) = row else { return Ok(()) };
    let mut transaction = Transaction::new();
    match row.record.change.take() {
        None => return Ok(()),
        Some(ConsumerChange::Register) => CONSUMERS
            .put(&mut transaction, &key.parts(), &row.record)
            .map_err(|error| store_failed(&error))?,
        Some(ConsumerChange::Deregister) => CONSUMERS.delete(&mut transaction, &key.parts()),
    }
    inner.store.commit(transaction).await.map_err(|error| commit_failed(&error))?;
    // Whether the commit before this one was applied may not have been known.
    inner.deregistered.notify_waiters();
    Ok(())
}
