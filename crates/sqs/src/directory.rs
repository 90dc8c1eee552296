//! The queues that are in use, kept in memory: sending and receiving read no record.
//!
//! One change happens at a time, and whatever is read from the store to be kept is read in its turn: so what is kept is
//! what the last commit left, as long as this process is the only one that writes the records.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use clock::Timestamp;
use ids::{AccountId, Region};
use queue::{DeadLetter, Queue, Queues};
use store::{SharedStore, Transaction};
use targets::MetricSource;
use tokio::sync::{Mutex, MutexGuard};
use wire::Error;

use crate::attributes::{Behaviour, behaviour, settings};
use crate::errors::{commit_failed, queue_missing, read_failed, store_failed};
use crate::tables::{QUEUES, QueueKey, QueueRecord};

/// A queue that is in use.
#[derive(Debug)]
pub(crate) struct OpenQueue {
    pub(crate) key: QueueKey,
    pub(crate) record: QueueRecord,
    pub(crate) behaviour: Behaviour,
    pub(crate) messages: Queue,
    pub(crate) metrics: Arc<MetricSource>,
}

impl OpenQueue {
    pub(crate) fn is_fifo(&self) -> bool {
        self.key.is_fifo()
    }
}

type Place = (AccountId, Region);

/// All queues that are in use.
#[derive(Debug)]
pub(crate) struct Directory {
    store: SharedStore,
    queues: Queues,
    open: RwLock<HashMap<Place, HashMap<String, Arc<OpenQueue>>>>,
    turn: Mutex<HashMap<QueueKey, Timestamp>>,
}

/// The right to change records. Holds when queues were deleted.
pub(crate) struct Turn<'a> {
    directory: &'a Directory,
    /// Those that were deleted not long ago. A restart forgets them: they guard no data.
    pub(crate) deleted: MutexGuard<'a, HashMap<QueueKey, Timestamp>>,
}

impl Directory {
    pub(crate) fn new(store: SharedStore, queues: Queues) -> Self {
        Self { store, queues, open: RwLock::default(), turn: Mutex::default() }
    }

    /// The queue, if it is in use.
    pub(crate) fn get(&self, account: &AccountId, region: &Region, name: &str) -> Option<Arc<OpenQueue>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&(account.clone(), region.clone()))?.get(name).cloned()
    }

    /// All queues in use.
    pub(crate) fn all(&self) -> Vec<Arc<OpenQueue>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.values().flat_map(HashMap::values).cloned().collect()
    }

    /// The queue, which is in use from now on; `None` when there is none.
    pub(crate) async fn find(
        &self,
        account: &AccountId,
        region: &Region,
        name: &str,
    ) -> Result<Option<Arc<OpenQueue>>, Error> {
        if let Some(open) = self.get(account, region, name) {
            return Ok(Some(open));
        }
        let key = QueueKey { account: account.clone(), region: region.clone(), name: name.to_owned() };
        let turn = self.turn().await;
        match self.get(account, region, name) {
            Some(open) => Ok(Some(open)),
            None => turn.open(&key).await,
        }
    }

    /// [`Directory::find`].
    pub(crate) async fn find_key(&self, key: &QueueKey) -> Result<Option<Arc<OpenQueue>>, Error> {
        self.find(&key.account, &key.region, &key.name).await
    }

    /// Waits for the right to change records.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn { directory: self, deleted: self.turn.lock().await }
    }

    /// A page of the queues' records, by name.
    pub(crate) async fn list(
        &self,
        account: &AccountId,
        region: &Region,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, QueueRecord)>, Error> {
        let snapshot = self.store.snapshot().await.map_err(read_failed)?;
        let place = [account.as_str().into(), region.as_str().into()];
        let after = after.map(|name| QUEUES.key(&[place[0], place[1], name.into()]));
        let rows = QUEUES
            .list(&*snapshot, &place, after.as_deref(), limit)
            .await
            .map_err(|error| store_failed(&error))?;
        rows.into_iter()
            .map(|row| {
                let mut key = QUEUES.read_key(&row.key).map_err(read_failed)?;
                let _place = (key.str().map_err(read_failed)?, key.str().map_err(read_failed)?);
                Ok((key.str().map_err(read_failed)?, row.record))
            })
            .collect()
    }

    fn keep(&self, open: &Arc<OpenQueue>) {
        let mut all = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let place = (open.key.account.clone(), open.key.region.clone());
        all.entry(place).or_default().insert(open.key.name.clone(), open.clone());
    }

    fn forget(&self, key: &QueueKey) {
        let mut all = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(queues) = all.get_mut(&(key.account.clone(), key.region.clone())) {
            queues.remove(&key.name);
        }
    }
}

impl Turn<'_> {
    /// The queue's record.
    pub(crate) async fn read(&self, key: &QueueKey) -> Result<Option<QueueRecord>, Error> {
        let row = QUEUES.get_now(&*self.directory.store, &key.parts()).await;
        row.map(|row| row.map(|row| row.record)).map_err(|error| store_failed(&error))
    }

    /// Reads the queue and those that its messages may go on to, and has them in use.
    pub(crate) async fn open(&self, key: &QueueKey) -> Result<Option<Arc<OpenQueue>>, Error> {
        let mut chain: Vec<(QueueKey, QueueRecord, Behaviour)> = Vec::new();
        let mut next = Some(key.clone());
        // Dead-letter queues may have some of their own, even in a circle.
        while let Some(key) = next.take().filter(|key| chain.iter().all(|(seen, ..)| seen != key)) {
            let Some(record) = self.read(&key).await? else { break };
            let behaviour = behaviour(&record, &key);
            next = behaviour.redrive.as_ref().map(|policy| policy.target.clone());
            chain.push((key, record, behaviour));
        }
        let ids: HashMap<QueueKey, _> =
            chain.iter().map(|(key, record, _)| (key.clone(), record.id.clone())).collect();
        let mut first = None;
        for (key, record, behaviour) in chain.into_iter().rev() {
            let dead_letter = behaviour.redrive.as_ref().and_then(|policy| {
                let queue = ids.get(&policy.target)?.clone();
                Some(DeadLetter { queue, max_receive_count: policy.max_receive_count })
            });
            let messages =
                self.directory.queues.open(record.id.clone(), settings(&record, &key, dead_letter));
            let metrics = Arc::new(MetricSource {
                account: key.account.clone(),
                region: key.region.clone(),
                namespace: "AWS/SQS",
                dimensions: vec![vec![("QueueName", key.name.clone())]],
            });
            let open = Arc::new(OpenQueue { key, record, behaviour, messages, metrics });
            self.directory.keep(&open);
            first = Some(open);
        }
        Ok(first)
    }

    /// Writes what `change` makes of the queue's record.
    pub(crate) async fn change(
        &self,
        key: &QueueKey,
        change: impl FnOnce(&mut QueueRecord) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut record = self.read(key).await?.ok_or_else(queue_missing)?;
        change(&mut record)?;
        let mut transaction = Transaction::new();
        QUEUES.put(&mut transaction, &key.parts(), &record).map_err(|error| store_failed(&error))?;
        self.commit(key, transaction).await?;
        self.open(key).await.map(|_| ())
    }

    /// Commits what changes the record of `key`.
    pub(crate) async fn commit(&self, key: &QueueKey, transaction: Transaction) -> Result<(), Error> {
        let committed = self.directory.store.commit(transaction).await;
        // Whatever came of it, the store knows.
        self.directory.forget(key);
        committed.map(|_| ()).map_err(|error| commit_failed(&error))
    }

    /// The queue is not in use any more, or what is known of it may be wrong.
    pub(crate) fn forget(&self, key: &QueueKey) {
        self.directory.forget(key);
    }

    /// `target` has come or gone: those whose dead-letter queue it is learn of that.
    pub(crate) async fn tell_sources(&self, target: &QueueKey) -> Result<(), Error> {
        for open in self.directory.all() {
            if open.behaviour.redrive.as_ref().is_some_and(|policy| policy.target == *target) {
                self.open(&open.key).await?;
            }
        }
        Ok(())
    }
}
