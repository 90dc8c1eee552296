//! Platform time that is real time.
#![expect(clippy::disallowed_methods, reason = "this is where real platform time comes from")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Clock, Hold, Sleep, Timestamp};

/// The host's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::UNIX_EPOCH + since_epoch
    }

    fn sleep_until(&self, due: Timestamp) -> Sleep {
        let clock = *self;
        Box::pin(async move {
            // The host's clock may be set back while we wait, so look again until it is really due.
            loop {
                let left = due.saturating_since(clock.now());
                if left.is_zero() {
                    return Hold::none();
                }
                tokio::time::sleep(left.min(Duration::from_secs(60))).await;
            }
        })
    }
}
