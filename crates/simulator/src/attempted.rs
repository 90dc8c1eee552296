//! What functions that are no real ones say of their runs.

use std::time::Duration;

use targets::Attempted;

/// A run of a millisecond that succeeded, or failed with this type and message.
#[must_use]
pub fn attempted(error: Option<(String, String)>) -> Attempted {
    Attempted {
        number: 0,
        version: "$LATEST".to_owned(),
        duration: Duration::from_millis(1),
        cold: false,
        error,
        failed_items: 0,
        log_group: "/aws/lambda/f".to_owned(),
        log_stream: "stream".to_owned(),
    }
}
