//! The streams that are in use, kept in memory: putting and getting records reads no row of ours.
//!
//! One change happens at a time, and whatever is read from the store to be kept is read in its turn: so what is kept is
//! what the last commit left, as long as this process is the only one that writes the rows.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use clock::execution_timeout;
use ids::{AccountId, Region};
use store::{SharedStore, Transaction};
use stream::{Settings, Stream, StreamId, Streams};
use targets::{Prepared, Settled};
use tokio::sync::{Mutex, MutexGuard, Notify};
use wire::Error;

use crate::errors::{commit_failed, read_failed, store_failed, stream_missing};
use crate::metrics::Figures;
use crate::reads::Reads;
use crate::tables::{STREAMS, StreamKey, StreamRecord};

/// How long a description waits for a change to be done. Most are done by then, so that SDKs' waiters, which ask every ten
/// seconds, need not ask twice.
const SETTLES_WITHIN: Duration = Duration::from_millis(100);

/// A stream that is in use.
#[derive(Debug)]
pub(crate) struct OpenStream {
    pub(crate) key: StreamKey,
    pub(crate) record: StreamRecord,
    pub(crate) stream: Stream,
    pub(crate) figures: Figures,
    pub(crate) reads: Arc<Reads>,
}

type Place = (AccountId, Region);

/// All streams that are in use.
#[derive(Debug)]
pub(crate) struct Directory {
    store: SharedStore,
    streams: Streams,
    open: RwLock<HashMap<Place, HashMap<String, Arc<OpenStream>>>>,
    /// What was read of late, by stream; it outlives changes of the rows.
    reads: std::sync::Mutex<HashMap<StreamId, Arc<Reads>>>,
    turn: Mutex<()>,
    /// Told of every commit.
    committed: Notify,
}

/// The right to change rows.
pub(crate) struct Turn<'a> {
    directory: &'a Directory,
    _turn: MutexGuard<'a, ()>,
}

impl Directory {
    pub(crate) fn new(store: SharedStore, streams: Streams) -> Self {
        Self {
            store,
            streams,
            open: RwLock::default(),
            reads: std::sync::Mutex::default(),
            turn: Mutex::default(),
            committed: Notify::new(),
        }
    }

    /// The stream, if it is in use.
    fn get(&self, key: &StreamKey) -> Option<Arc<OpenStream>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&(key.account.clone(), key.region.clone()))?.get(&key.name).cloned()
    }

    /// The stream, which is in use from now on; `None` when there is none.
    pub(crate) async fn find(&self, key: &StreamKey) -> Result<Option<Arc<OpenStream>>, Error> {
        if let Some(open) = self.get(key) {
            return Ok(Some(open));
        }
        let turn = self.turn().await;
        match self.get(key) {
            Some(open) => Ok(Some(open)),
            None => turn.open(key).await,
        }
    }

    /// The stream, when what is being done to it is done, or has taken a while.
    pub(crate) async fn find_settled(&self, key: &StreamKey) -> Result<Option<Arc<OpenStream>>, Error> {
        let settled = async {
            loop {
                // Made before looking: it hears of every commit from here on.
                let committed = self.committed.notified();
                match self.find(key).await {
                    Ok(Some(open)) if open.record.change.is_some() => committed.await,
                    found => return found,
                }
            }
        };
        match execution_timeout(SETTLES_WITHIN, settled).await {
            Ok(found) => found,
            Err(_) => self.find(key).await,
        }
    }

    /// Waits for the right to change rows.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn { directory: self, _turn: self.turn.lock().await }
    }

    /// The streams of a place by name, or, without one, of all places.
    pub(crate) async fn list(
        &self,
        place: Option<(&AccountId, &Region)>,
        after: Option<&StreamKey>,
        limit: usize,
    ) -> Result<Vec<(StreamKey, StreamRecord)>, Error> {
        let snapshot = self.store.snapshot().await.map_err(read_failed)?;
        let place: Vec<_> = place
            .map(|(account, region)| vec![account.as_str().into(), region.as_str().into()])
            .unwrap_or_default();
        let after = after.map(|key| STREAMS.key(&key.parts()));
        let rows = STREAMS.list(&*snapshot, &place, after.as_deref(), limit).await;
        let rows = rows.map_err(|error| store_failed(&error))?;
        rows.into_iter().map(|row| Ok((read_key(&row.key)?, row.record))).collect()
    }

    fn keep(&self, open: &Arc<OpenStream>) {
        let mut all = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let place = (open.key.account.clone(), open.key.region.clone());
        all.entry(place).or_default().insert(open.key.name.clone(), open.clone());
    }

    fn forget(&self, key: &StreamKey) {
        let mut all = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(streams) = all.get_mut(&(key.account.clone(), key.region.clone())) {
            streams.remove(&key.name);
        }
    }
}

fn read_key(row: &[u8]) -> Result<StreamKey, Error> {
    let read = || {
        let mut key = STREAMS.read_key(row)?;
        let (account, region, name) = (key.str()?, key.str()?, key.str()?);
        let damaged = |_| store::StoreError::Damaged("a stream's key".to_owned());
        let account = AccountId::parse(&account).map_err(damaged)?;
        let region = Region::parse(&region).map_err(damaged)?;
        Ok(StreamKey { account, region, name })
    };
    read().map_err(read_failed)
}

impl Turn<'_> {
    /// The stream's row.
    pub(crate) async fn read(&self, key: &StreamKey) -> Result<Option<StreamRecord>, Error> {
        let row = STREAMS.get_now(&*self.directory.store, &key.parts()).await;
        row.map(|row| row.map(|row| row.record)).map_err(|error| store_failed(&error))
    }

    /// Reads the stream and has it in use.
    async fn open(&self, key: &StreamKey) -> Result<Option<Arc<OpenStream>>, Error> {
        let Some(record) = self.read(key).await? else { return Ok(None) };
        let open = Arc::new(OpenStream {
            stream: self.engine(key, &record),
            figures: Figures::new(key),
            reads: self.reads(&record.id),
            key: key.clone(),
            record,
        });
        self.directory.keep(&open);
        Ok(Some(open))
    }

    /// What keeps the records.
    pub(crate) fn engine(&self, key: &StreamKey, record: &StreamRecord) -> Stream {
        let retention = Duration::from_secs(u64::from(record.retention_hours) * 3_600);
        self.directory.streams.open(record.id.clone(), Settings { arn: key.arn(), retention })
    }

    /// Writes the stream's row, together with what the engine has to write.
    pub(crate) async fn write(
        &self,
        key: &StreamKey,
        record: &StreamRecord,
        engine: Option<Prepared>,
    ) -> Result<(), Error> {
        let mut transaction = Transaction::new();
        STREAMS.put(&mut transaction, &key.parts(), record).map_err(|error| store_failed(&error))?;
        self.commit(key, transaction, engine).await?;
        self.open(key).await.map(|_| ())
    }

    /// Writes what `change` makes of the stream's row.
    pub(crate) async fn change(
        &self,
        key: &StreamKey,
        change: impl FnOnce(&mut StreamRecord) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut record = self.read(key).await?.ok_or_else(|| stream_missing(key))?;
        change(&mut record)?;
        self.write(key, &record, None).await
    }

    fn reads(&self, id: &StreamId) -> Arc<Reads> {
        let mut reads = self.directory.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.entry(id.clone()).or_default().clone()
    }

    /// The stream is gone.
    pub(crate) fn forget(&self, id: &StreamId) {
        self.directory.reads.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Commits what changes the row of `key`, together with what the engine has to write.
    pub(crate) async fn commit(
        &self,
        key: &StreamKey,
        mut transaction: Transaction,
        mut engine: Option<Prepared>,
    ) -> Result<(), Error> {
        if let Some(engine) = &mut engine {
            engine.join(&mut transaction);
        }
        let committed = self.directory.store.commit(transaction).await;
        // Whatever came of it, the store knows.
        self.directory.forget(key);
        self.directory.committed.notify_waiters();
        let settled = match &committed {
            Ok(_) => Settled::Committed,
            Err(store::CommitError::Unknown(_)) => Settled::Unknown,
            Err(_) => Settled::Abandoned,
        };
        if let Some(engine) = engine {
            engine.settle(settled);
        }
        committed.map(|_| ()).map_err(|error| commit_failed(&error))
    }
}
