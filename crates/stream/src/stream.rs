//! One stream.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use clock::{Hold, Timestamp};
use targets::Settled;
use tokio::sync::{Mutex as AsyncMutex, Notify};

use crate::head::{Head, Stage, View};
use crate::rows::Rows;
use crate::streams::{Open, Platform};
use crate::{Settings, Shard, ShardId, StreamError, StreamId};

/// One stream. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stream {
    inner: Arc<Inner>,
}

/// What all handles of a stream share.
#[derive(Debug)]
pub(crate) struct Inner {
    id: StreamId,
    pub(crate) rows: Rows,
    pub(crate) platform: Arc<Platform>,
    pub(crate) open: Weak<Open>,
    head: Mutex<Head>,
    /// One reader of shards and tips at a time.
    pub(crate) loading: AsyncMutex<()>,
    /// Whoever removes expired rows, or all of them.
    pub(crate) trimming: AsyncMutex<()>,
    /// Nothing is being written any more.
    pub(crate) idle: Notify,
}

impl Stream {
    pub(crate) fn new(id: StreamId, settings: Settings, platform: Arc<Platform>, open: Weak<Open>) -> Self {
        let inner = Inner {
            rows: Rows::new(&id),
            id,
            platform,
            open,
            head: Mutex::new(Head::new(settings)),
            loading: AsyncMutex::default(),
            trimming: AsyncMutex::default(),
            idle: Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) const fn from_inner(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(crate) fn rows(&self) -> &Rows {
        &self.inner.rows
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.inner.platform
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &StreamId {
        &self.inner.id
    }

    /// How it behaves.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.locked(|head, _| head.settings.clone())
    }

    /// Changes how it behaves, from now on. What has expired does not come back; so that this holds after a restart as
    /// well, [`Stream::prepare_retention`] is to be part of the commit that makes the retention longer.
    pub fn configure(&self, settings: Settings) {
        let now = self.platform().clock.now();
        self.locked(|head, hold| {
            if *head.settings != settings {
                head.configure(settings, now, hold);
            }
        });
    }

    /// All shards that still have or may get records, by number: also closed ones until their records have expired.
    ///
    /// # Errors
    /// When the store fails or the stream was removed.
    pub async fn shards(&self) -> Result<Vec<Shard>, StreamError> {
        self.on_head(|head, _| head.list()).await
    }

    /// What arrived then or before has expired, and never comes back: a retention period that grows brings back nothing.
    ///
    /// # Errors
    /// When the store fails or the stream was removed.
    pub async fn expired_until(&self) -> Result<Timestamp, StreamError> {
        self.on_head(|head, _| head.floor).await
    }
}

/// The way into the head.
impl Stream {
    /// Does something in memory, whatever state it is in.
    pub(crate) fn locked<T>(&self, act: impl FnOnce(&mut Head, &Hold) -> T) -> T {
        let hold = self.platform().clock.hold();
        let mut head = self.inner.head.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut head, &hold)
    }

    /// Does something with what is in memory, as of now, once the shards are known.
    pub(crate) async fn on_head<T>(
        &self,
        mut act: impl FnMut(&mut Head, &Hold) -> T,
    ) -> Result<T, StreamError> {
        loop {
            let done = self.locked(|head, hold| match head.stage {
                Stage::Removed => Err(StreamError::Removed),
                Stage::Unloaded => Ok(None),
                Stage::Loaded => {
                    head.advance(self.platform().clock.now());
                    Ok(Some(act(head, hold)))
                }
            })?;
            match done {
                Some(done) => return Ok(done),
                None => self.load().await?,
            }
        }
    }

    /// Does something with a shard whose end is known.
    pub(crate) async fn on_shard<T>(
        &self,
        shard: ShardId,
        mut act: impl FnMut(View<'_>) -> T,
    ) -> Result<T, StreamError> {
        loop {
            let done = self.on_head(|head, _| match head.view(shard) {
                None => Err(StreamError::NoShard),
                Some(view) => Ok(view.map(&mut act)),
            });
            match done.await?? {
                Some(done) => return Ok(done),
                None => self.load_tip(shard).await?,
            }
        }
    }

    /// What is known is in doubt: the store is asked again.
    pub(crate) fn unload(&self) {
        self.locked(Head::unload);
    }

    /// What becomes of the head when somebody else's commit ended that shards are part of.
    pub(crate) fn unload_unless_abandoned(&self, settled: Settled) {
        if settled != Settled::Abandoned {
            self.unload();
        }
    }
}
