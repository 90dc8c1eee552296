//! All queues.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clock::SharedClock;
use ids::IdSource;
use store::SharedStore;
use targets::RecordTrace;
use tasks::Tasks;

use crate::alarm::Alarm;
use crate::window::Room;
use crate::{Queue, QueueId, Settings};

/// All queues. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queues {
    pub(crate) platform: Arc<Platform>,
    pub(crate) open: Arc<Open>,
}

/// What queues need around them.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) room: Room,
    pub(crate) store: SharedStore,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) tasks: Tasks,
    pub(crate) trace: Arc<dyn RecordTrace>,
    pub(crate) alarm: Arc<Alarm>,
}

/// The open queues.
#[derive(Debug, Default)]
pub(crate) struct Open(Mutex<HashMap<QueueId, Queue>>);

impl Open {
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<QueueId, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: &QueueId) -> Option<Queue> {
        self.lock().get(id).cloned()
    }
}

impl Queues {
    /// The queues in `store`; none is read before it is used. Must be called within a Tokio runtime.
    #[must_use]
    pub fn new(
        store: SharedStore,
        clock: SharedClock,
        ids: Arc<IdSource>,
        tasks: Tasks,
        trace: Arc<dyn RecordTrace>,
    ) -> Self {
        Self::with_room(Room::USUAL, store, clock, ids, tasks, trace)
    }

    /// For tests: with at most about `window` messages of each queue in memory.
    #[doc(hidden)]
    #[must_use]
    pub fn tight(
        window: usize,
        store: SharedStore,
        clock: SharedClock,
        ids: Arc<IdSource>,
        tasks: Tasks,
        trace: Arc<dyn RecordTrace>,
    ) -> Self {
        Self::with_room(Room::tight(window), store, clock, ids, tasks, trace)
    }

    fn with_room(
        room: Room,
        store: SharedStore,
        clock: SharedClock,
        ids: Arc<IdSource>,
        tasks: Tasks,
        trace: Arc<dyn RecordTrace>,
    ) -> Self {
        let alarm = Arc::new(Alarm::default());
        let platform = Arc::new(Platform { room, store, clock, ids, tasks, trace, alarm });
        let Platform { tasks, alarm, clock, .. } = &*platform;
        tasks.spawn_until_shutdown("queue-alarm", alarm.clone().run(clock.clone()));
        tasks.spawn_until_shutdown("queue-removal", crate::removal::finish_all(platform.clone()));
        Self { platform, open: Arc::default() }
    }

    /// The queue `id`, empty when there was none. In memory only; what is open already is configured anew.
    pub fn open(&self, id: QueueId, settings: Settings) -> Queue {
        let mut open = self.open.lock();
        if let Some(queue) = open.get(&id).cloned() {
            drop(open);
            queue.configure(settings);
            return queue;
        }
        let queue = Queue::new(id.clone(), settings, self.platform.clone(), Arc::downgrade(&self.open));
        open.insert(id, queue.clone());
        queue
    }

    /// The queue, if it is open.
    #[must_use]
    pub fn get(&self, id: &QueueId) -> Option<Queue> {
        self.open.get(id)
    }
}
