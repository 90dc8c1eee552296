//! One queue.

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use clock::Hold;
use ids::{AccountId, Arn, Region};
use targets::{Settled, Step, What};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, Notify};

use crate::head::{Head, Work};
use crate::queues::{Open, Platform};
use crate::record::Record;
use crate::rows::Rows;
use crate::{QueueError, QueueId, Settings};

/// One queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

/// What all handles of a queue share.
#[derive(Debug)]
pub(crate) struct Inner {
    id: QueueId,
    rows: Rows,
    platform: Arc<Platform>,
    /// Where its dead-letter queue is found.
    open: Weak<Open>,
    head: Mutex<Head>,
    configured: RwLock<Configured>,
    /// One reader of rows at a time.
    reading: AsyncMutex<()>,
    /// Something that was busy is not any more.
    settled: Notify,
}

#[derive(Debug)]
struct Configured {
    settings: Arc<Settings>,
    /// Out of its ARN, for traces.
    place: Option<(AccountId, Region)>,
}

impl Configured {
    fn new(settings: Arc<Settings>) -> Self {
        let place = Arn::parse(&settings.arn)
            .ok()
            .and_then(|arn| Some((AccountId::parse(&arn.account).ok()?, Region::parse(&arn.region).ok()?)));
        Self { settings, place }
    }
}

/// How far a request came in memory.
enum Progress<T> {
    Done(T),
    Read,
    Wait,
    Removed,
}

impl Queue {
    pub(crate) fn new(id: QueueId, settings: Settings, platform: Arc<Platform>, open: Weak<Open>) -> Self {
        let settings = Arc::new(settings);
        let inner = Inner {
            rows: Rows::new(&id),
            id,
            open,
            head: Mutex::new(Head::new(platform.room, settings.clone())),
            platform,
            configured: RwLock::new(Configured::new(settings)),
            reading: AsyncMutex::default(),
            settled: Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) const fn from_inner(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &QueueId {
        &self.inner.id
    }

    /// How it behaves.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.inner.configured.read().unwrap_or_else(PoisonError::into_inner).settings.clone()
    }

    /// Changes how it behaves, from now on. Whether it is a FIFO queue never changes.
    pub fn configure(&self, settings: Settings) {
        let settings = Arc::new(settings);
        let mut configured = self.inner.configured.write().unwrap_or_else(PoisonError::into_inner);
        if *configured.settings == *settings {
            return;
        }
        *configured = Configured::new(settings.clone());
        drop(configured);
        self.locked(|head, hold| head.configure(settings, hold));
    }

    pub(crate) fn rows(&self) -> &Rows {
        &self.inner.rows
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.inner.platform
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.inner.configured.read().unwrap_or_else(PoisonError::into_inner).settings.fifo.is_some()
    }

    /// Another queue that is open.
    pub(crate) fn other(&self, id: &QueueId) -> Option<Self> {
        self.inner.open.upgrade()?.get(id)
    }

    pub(crate) async fn reading_turn(&self) -> AsyncMutexGuard<'_, ()> {
        self.inner.reading.lock().await
    }

    /// Hears of everything that is settled after it was made.
    pub(crate) fn settled(&self) -> tokio::sync::futures::Notified<'_> {
        self.inner.settled.notified()
    }

    pub(crate) fn tell_settled(&self) {
        self.inner.settled.notify_waiters();
    }
}

/// The way into the head.
impl Queue {
    /// Does something in memory, whatever state it is in.
    pub(crate) fn locked<T>(&self, act: impl FnOnce(&mut Head, &Hold) -> T) -> T {
        let platform = &self.inner.platform;
        let hold = platform.clock.hold();
        let mut head = self.inner.head.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut head, &hold);
        if let Some(due) = head.next_due()
            && head.armed.is_none_or(|armed| due < armed)
        {
            head.armed = Some(due);
            platform.alarm.set(due, Arc::downgrade(&self.inner), &*platform.clock);
        }
        let returned = std::mem::take(&mut head.returned);
        drop(head);
        if !returned.is_empty() {
            self.trace_returned(returned, hold);
        }
        result
    }

    /// Does something with what is in memory, as of now. `act` is called again after rows were read when it answers
    /// nothing; it has then said what it wants.
    pub(crate) async fn on_head<T>(
        &self,
        mut act: impl FnMut(&mut Head, &Hold) -> Option<T>,
    ) -> Result<T, QueueError> {
        loop {
            let progress = self.locked(|head, hold| {
                if head.is_removed {
                    return Progress::Removed;
                }
                if head.is_reading {
                    return Progress::Wait;
                }
                head.advance(self.inner.platform.clock.now(), hold);
                if !head.is_loaded {
                    return Progress::Read;
                }
                if let Some(part) = head.order.wants() {
                    head.wanted = Some(part);
                    return Progress::Read;
                }
                if head.has_expired() && !std::mem::replace(&mut head.is_expiring, true) {
                    self.start_expiry(hold.clone());
                }
                act(head, hold).map_or(Progress::Read, Progress::Done)
            });
            match progress {
                Progress::Done(result) => return Ok(result),
                Progress::Read => self.read().await?,
                Progress::Wait => drop(self.reading_turn().await),
                Progress::Removed => return Err(QueueError::Removed),
            }
        }
    }

    /// Says how a commit ended.
    pub(crate) fn settle(&self, work: Work, settled: Settled, token: Option<&[u8; 16]>) {
        self.locked(|head, hold| {
            if !head.is_reading && !head.is_removed {
                head.advance(self.inner.platform.clock.now(), hold);
            }
            head.settle(work, settled, hold);
            if let Some(token) = token {
                head.tokens.remove(token);
            }
        });
        self.tell_settled();
    }

    /// The time has come for something: what can be received is, and what is too old goes.
    pub(crate) async fn wake_up(&self, hold: &Hold) {
        let _hold = hold.clone();
        self.locked(|head, _| head.armed = None);
        if let Err(error) = self.on_head(|_, _| Some(())).await
            && !matches!(error, QueueError::Removed)
        {
            // It is seen to with the next request.
            tracing::warn!(queue = self.inner.id.0, %error, "a queue could not be read when its time had come");
        }
    }
}

/// Traces.
impl Queue {
    /// Whether making steps is in vain.
    pub(crate) fn is_untraced(&self) -> bool {
        self.inner.platform.trace.is_overloaded()
    }

    pub(crate) fn trace(&self, subject: String, what: What) {
        let configured = self.inner.configured.read().unwrap_or_else(PoisonError::into_inner);
        let Some((account, region)) = configured.place.clone() else { return };
        let resource = configured.settings.arn.clone();
        drop(configured);
        let at = self.inner.platform.clock.now();
        self.inner.platform.trace.record(Step { at, account, region, subject, resource, what });
    }

    /// Their ids are in the store only.
    fn trace_returned(&self, returned: Vec<(clock::Timestamp, u64)>, hold: Hold) {
        if self.is_untraced() {
            return;
        }
        let queue = self.clone();
        self.inner.platform.tasks.spawn("queue-trace", async move {
            let Ok(snapshot) = queue.inner.platform.store.snapshot().await else { return };
            for (sent, seq) in returned {
                if let Ok(Some(record)) = Record::read(&*snapshot, queue.rows(), sent, seq).await {
                    queue.trace(record.id, What::Returned);
                }
            }
            drop(hold);
        });
    }
}
