//! All streams.

use std::sync::Arc;

use clock::SharedClock;
use ids::IdSource;
use store::SharedStore;
use tasks::Tasks;

use crate::{Settings, Stream, StreamId};

/// All streams. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Streams {
    platform: Arc<Platform>,
}

/// What streams need around them.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) store: SharedStore,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) tasks: Tasks,
}

impl Streams {
    /// The streams in `store`; none is read before it is used. Must be called within a Tokio runtime.
    #[must_use]
    pub fn new(store: SharedStore, clock: SharedClock, ids: Arc<IdSource>, tasks: Tasks) -> Self {
        Self { platform: Arc::new(Platform { store, clock, ids, tasks }) }
    }

    /// The stream `id`, without shards when there was none. In memory only; what is open already is configured anew.
    pub fn open(&self, id: StreamId, settings: Settings) -> Stream {
        Stream::new(id, settings, self.platform.clone())
    }
}
