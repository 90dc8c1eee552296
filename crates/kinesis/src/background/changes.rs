//! Changes of streams: each is written down before its request is answered, and goes on after a restart.

use std::sync::Arc;
use std::time::Duration;

use clock::{Hold, execution_sleep};
use store::Transaction;
use stream::{Stream, StreamError};
use targets::Prepared;
use wire::Error;

use crate::consumer;
use crate::description::open_count;
use crate::directory::{OpenStream, Turn};
use crate::errors::{not_active, stream_failed, stream_missing};
use crate::resharding::{Step, next_step};
use crate::service::Inner;
use crate::tables::{Change, Mode, STREAMS, StreamKey, StreamRecord};

/// How long a change takes at least, so that clients meet the states that they meet on AWS, if more briefly.
pub(crate) const CHANGE_TAKES: Duration = Duration::from_millis(20);
/// How long is waited when the store fails.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// Rows that are read at a time.
const ROWS: usize = 500;

/// A stream that nothing is done to, until this is dropped or a change begins.
pub(crate) struct Still<'a> {
    inner: &'a Arc<Inner>,
    turn: Turn<'a>,
    key: StreamKey,
    hold: Hold,
    /// What is written when a change begins.
    pub(crate) record: StreamRecord,
    /// What keeps the records.
    pub(crate) stream: Stream,
}

/// The stream, if it is there and active.
pub(crate) async fn still<'a>(inner: &'a Arc<Inner>, key: &StreamKey) -> Result<Still<'a>, Error> {
    let hold = inner.clock.hold();
    let turn = inner.directory.turn().await;
    let record = turn.read(key).await?.ok_or_else(|| stream_missing(key))?;
    if record.change.is_some() {
        return Err(not_active(key, &record));
    }
    let stream = turn.engine(key, &record);
    Ok(Still { inner, turn, key: key.clone(), hold, record, stream })
}

impl Still<'_> {
    /// Writes the row; the rest happens in the background.
    pub(crate) async fn begin(self, change: Change) -> Result<(), Error> {
        self.begin_with(change, None).await
    }

    /// [`Still::begin`], together with what the engine has to write.
    pub(crate) async fn begin_with(mut self, change: Change, engine: Option<Prepared>) -> Result<(), Error> {
        self.record.change = Some(change);
        let written = self.turn.write(&self.key, &self.record, engine).await;
        // It may have been written even if that is not known.
        spawn(self.inner, self.key, self.hold);
        written
    }
}

/// "you can experience throttling if traffic exceeds double the previous peak within 15 minutes" (developer guide, on-demand
/// mode): an on-demand stream is not doubled more often.
const SCALES_AGAIN_AFTER: Duration = Duration::from_secs(15 * 60);
/// "up to 200 MB/second and 200,000 records/second for writes" by default (developer guide): at 1 MB/s a shard.
const ON_DEMAND_SHARDS_MAX: u32 = 200;

/// A shard of the stream is too busy: if the stream is an on-demand one, its shards are doubled in the background.
pub(crate) fn scale_up(inner: &Arc<Inner>, open: &OpenStream) {
    let now = inner.clock.now();
    let is_soon = move |record: &StreamRecord| {
        record.scaled.last().is_some_and(|last| now.saturating_since(*last) < SCALES_AGAIN_AFTER)
    };
    if open.record.mode != Mode::OnDemand || open.record.change.is_some() || is_soon(&open.record) {
        return;
    }
    let (inner_too, key, hold) = (inner.clone(), open.key.clone(), inner.clock.hold());
    inner.tasks.spawn_until_shutdown("kinesis-scale-up", async move {
        // It may have been changed meanwhile: then the next time will do.
        let Ok(mut stream) = still(&inner_too, &key).await else { return };
        let Ok(shards) = stream.stream.shards().await else { return };
        let open = open_count(&shards);
        // One that was provisioned may have more than it would have come to by itself.
        let may_grow = open < ON_DEMAND_SHARDS_MAX;
        if may_grow && stream.record.mode == Mode::OnDemand && !is_soon(&stream.record) {
            let shards = open.saturating_mul(2).min(ON_DEMAND_SHARDS_MAX);
            stream.record.scaled = vec![now];
            // A failure of the store was logged.
            let _failed = stream.begin(Change::Scale { shards }).await;
        }
        drop(hold);
    });
}

/// Goes on with what was under way. Virtual time waits for it.
pub(crate) async fn resume(inner: Arc<Inner>, hold: Hold) {
    loop {
        match changing(&inner).await {
            Ok(streams) => {
                for key in streams {
                    spawn(&inner, key, hold.clone());
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
        for (key, record) in page {
            if record.change.is_some() {
                changing.push(key);
            } else {
                // Its records expire also if nobody asks for them any more.
                inner.directory.find(&key).await?;
            }
        }
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
    let Some(mut record) = turn.read(key).await? else { return Ok(false) };
    let Some(change) = &record.change else { return Ok(false) };
    let stream = turn.engine(key, &record);
    let done = match change {
        Change::Create | Change::Settle => Ok(false),
        Change::Split { shard, starting_hash_key } => {
            stream.split(*shard, *starting_hash_key).await.map(|()| false)
        }
        Change::Merge { shard, adjacent } => stream.merge(*shard, *adjacent).await.map(|()| false),
        Change::Scale { shards } => scale(&stream, *shards).await,
        Change::Delete => return delete(&turn, key, &record).await.map(|()| false),
    };
    match done {
        Ok(true) => return Ok(true),
        // Closed: it was done before a restart.
        Ok(false) | Err(StreamError::Closed) => {}
        Err(StreamError::Store(error)) => return Err(stream_failed(key, &StreamError::Store(error))),
        // It was checked when it was asked for: what keeps it from being done now keeps it for ever.
        Err(error) => tracing::error!(%error, stream = key.arn(), "kinesis: a change was given up"),
    }
    record.change = None;
    turn.write(key, &record, None).await?;
    Ok(false)
}

/// One step nearer to `shards` shards. Returns whether there may be more steps.
async fn scale(stream: &Stream, shards: u32) -> Result<bool, StreamError> {
    match next_step(&stream.shards().await?, shards) {
        Some(Step::Split(shard, starting_hash_key)) => stream.split(shard, starting_hash_key).await?,
        Some(Step::Merge(shard, adjacent)) => stream.merge(shard, adjacent).await?,
        None => return Ok(false),
    }
    Ok(true)
}

/// The stream and all that belongs to it go in one commit.
async fn delete(turn: &Turn<'_>, key: &StreamKey, record: &StreamRecord) -> Result<(), Error> {
    let mut transaction = Transaction::new();
    STREAMS.delete(&mut transaction, &key.parts());
    consumer::remove_all(&mut transaction, key);
    turn.commit(key, transaction, Some(turn.engine(key, record).prepare_remove())).await?;
    turn.forget(&record.id);
    Ok(())
}
