//! All streams.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clock::SharedClock;
use store::SharedStore;
use tasks::Tasks;

use crate::room::Room;
use crate::{Settings, Stream, StreamId};

/// All streams. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Streams {
    pub(crate) platform: Arc<Platform>,
    open: Arc<Open>,
}

/// What streams need around them.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) store: SharedStore,
    pub(crate) clock: SharedClock,
    pub(crate) tasks: Tasks,
    pub(crate) room: Room,
}

/// The open streams.
#[derive(Debug, Default)]
pub(crate) struct Open(Mutex<HashMap<StreamId, Stream>>);

impl Open {
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, Stream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Streams {
    /// The streams in `store`; none is read before it is used. Must be called within a Tokio runtime.
    #[must_use]
    pub fn new(store: SharedStore, clock: SharedClock, tasks: Tasks) -> Self {
        Self::tight(Room::USUAL_BYTES, store, clock, tasks)
    }

    /// For tests: with at most about `bytes` of all records in memory.
    #[doc(hidden)]
    #[must_use]
    pub fn tight(bytes: usize, store: SharedStore, clock: SharedClock, tasks: Tasks) -> Self {
        let platform = Arc::new(Platform { store, clock, tasks, room: Room::new(bytes) });
        let streams = Self { platform: platform.clone(), open: Arc::default() };
        let tasks = &platform.tasks;
        tasks.spawn_until_shutdown("stream-removal", crate::removal::finish_all(platform.clone()));
        tasks.spawn_until_shutdown("stream-retention", crate::retention::keep_trimming(&streams));
        streams
    }

    /// The stream `id`, without shards when there was none. In memory only; what is open already is configured anew.
    pub fn open(&self, id: StreamId, settings: Settings) -> Stream {
        let mut open = self.open.lock();
        if let Some(stream) = open.get(&id).cloned() {
            drop(open);
            stream.configure(settings);
            return stream;
        }
        let stream = Stream::new(id.clone(), settings, self.platform.clone(), Arc::downgrade(&self.open));
        open.insert(id, stream.clone());
        stream
    }

    /// The stream, if it is open.
    #[must_use]
    pub fn get(&self, id: &StreamId) -> Option<Stream> {
        self.open.lock().get(id).cloned()
    }

    pub(crate) fn open_streams(&self) -> &Arc<Open> {
        &self.open
    }
}
