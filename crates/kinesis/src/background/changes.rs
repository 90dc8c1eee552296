//! Changes of streams: each is written down before its request is answered, and goes on after a restart.

use std::sync::Arc;
use std::time::Duration;

use clock::{Hold, execution_sleep};
use store::Transaction;
use stream::StreamError;
use wire::Error;

use crate::directory::Turn;
use crate::errors::stream_failed;
use crate::service::Inner;
use crate::tables::{Change, STREAMS, StreamKey, StreamRecord};

/// How long a change takes at least, so that clients meet the states that they meet on AWS, if more briefly.
const CHANGE_TAKES: Duration = Duration::from_millis(20);
/// How long is waited when the store fails.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// Rows that are read at a time.
const ROWS: usize = 500;

/// Goes on with what was under way.
pub(crate) async fn resume(inner: Arc<Inner>) {
    loop {
        match changing(&inner).await {
            Ok(streams) => {
                for key in streams {
                    spawn(&inner, key, inner.clock.hold());
                }
                return;
            }
            // It was logged.
            Err(_) => execution_sleep(STORE_PAUSE).await,
        }
    }
}

async fn changing(inner: &Inner) -> Result<Vec<StreamKey>, Error> {
    let (mut changing, mut after) = (Vec::new(), None);
    loop {
        let page = inner.directory.list(None, after.as_ref(), ROWS).await?;
        let Some((last, _)) = page.last() else { return Ok(changing) };
        after = Some(last.clone());
        changing.extend(page.into_iter().filter(|(_, record)| record.change.is_some()).map(|(key, _)| key));
    }
}

/// Does what the stream's row says is to be done. Virtual time waits for it.
pub(crate) fn spawn(inner: &Arc<Inner>, key: StreamKey, hold: Hold) {
    let inner_too = inner.clone();
    inner.tasks.spawn_until_shutdown("kinesis-change", async move {
        execution_sleep(CHANGE_TAKES).await;
        loop {
            match step(&inner_too, &key).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => execution_sleep(STORE_PAUSE).await,
            }
        }
        drop(hold);
    });
}

/// Does some of it. Returns whether there is more to do.
async fn step(inner: &Inner, key: &StreamKey) -> Result<bool, Error> {
    let turn = inner.directory.turn().await;
    let Some(record) = turn.read(key).await? else { return Ok(false) };
    let Some(change) = &record.change else { return Ok(false) };
    let stream = turn.engine(key, &record);
    let done = match change {
        Change::Create | Change::Settle => Ok(()),
        Change::Split { shard, starting_hash_key } => stream.split(*shard, *starting_hash_key).await,
        Change::Merge { shard, adjacent } => stream.merge(*shard, *adjacent).await,
        Change::Scale { .. } => Ok(()),
        Change::Delete => return delete(&turn, key, &record).await.map(|()| false),
    };
    match done {
        // Closed: it was done before a restart.
        Ok(()) | Err(StreamError::Closed) => {}
        Err(StreamError::Store(error)) => return Err(stream_failed(key, &StreamError::Store(error))),
        // It was checked when it was asked for: what keeps it from being done now keeps it for ever.
        Err(error) => tracing::error!(%error, stream = key.arn(), "kinesis: a change was given up"),
    }
    turn.change(key, |record| {
        record.change = None;
        Ok(())
    })
    .await?;
    Ok(false)
}

/// The stream and all that belongs to it go in one commit.
async fn delete(turn: &Turn<'_>, key: &StreamKey, record: &StreamRecord) -> Result<(), Error> {
    let mut transaction = Transaction::new();
    STREAMS.delete(&mut transaction, &key.parts());
    turn.commit(key, transaction, Some(turn.engine(key, record).prepare_remove())).await
}
