//! Samples gauges.

use std::sync::Arc;
use std::time::Duration;

use clock::execution_sleep;

use crate::service::Inner;

/// Gauges have a value for each minute.
const INTERVAL: Duration = Duration::from_secs(60);

/// Runs until it is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        execution_sleep(INTERVAL).await;
        inner.sample().await;
        inner.recorder.waiting.notify_one();
    }
}
