//! Polls queues.

use std::sync::Arc;

use queue::Queue;

use crate::poller::{Ended, Poller};

/// Polls until it is told to stop and the last batches have run.
pub(crate) async fn run(poller: Arc<Poller>, queue: Queue) -> Ended {
    let _ = queue;
    poller.stop.told().await;
    Ended::Stopped
}
