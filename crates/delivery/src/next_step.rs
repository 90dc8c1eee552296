//! What becomes of an event: pure, so that a table of cases is its test.
//!
//! Sources: AWS Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation",
//! "Capturing records of Lambda asynchronous invocations" and "Use Lambda recursive loop detection".

use std::time::Duration;

use clock::Timestamp;

use crate::{Attempt, Condition, Event, EventSettings};

/// The waits before the first and before the second retry after a function error.
const RETRY_WAITS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
/// The first wait of an event that was turned away; each further one is twice as long.
const DEFERRAL_MIN: Duration = Duration::from_secs(1);
/// The longest such wait.
const DEFERRAL_MAX: Duration = Duration::from_secs(300);
/// The waits before a dead-letter queue or destination that is not available is tried again. AWS does not say
/// how often it tries.
const HAND_OVER_WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// The function took it.
    Succeeded,
    /// It is tried again then.
    RetryAt(Timestamp),
    /// It is not tried again.
    GivenUp(Condition),
}

/// Whether the event is given up before it is even tried.
pub(crate) fn before_attempt(settings: &EventSettings, event: &Event, now: Timestamp) -> Option<Condition> {
    if settings.is_switched_off {
        return Some(Condition::ZeroReservedConcurrency);
    }
    (now >= event.accepted + settings.maximum_event_age).then_some(Condition::EventAgeExceeded)
}

/// What follows an attempt that has just ended. `deferrals` says how often the event has been turned away in a row
/// before.
///
/// A retry that would not begin within the event's maximum age is not waited for: AWS hands the event over at once
/// (observed with an age of 60 seconds: one attempt, and the record long before the minute is over). An event that
/// is turned away waits for the end of its age at most, as an attempt may become possible at any time until then.
pub(crate) fn next_step(
    settings: &EventSettings,
    event: &Event,
    deferrals: u32,
    attempt: &Attempt,
    now: Timestamp,
) -> NextStep {
    let expiry = event.accepted + settings.maximum_event_age;
    match attempt {
        Attempt::Ran(result) if result.error.is_none() => NextStep::Succeeded,
        Attempt::Ran(_) if event.failures >= settings.maximum_retry_attempts => {
            NextStep::GivenUp(Condition::RetriesExhausted)
        }
        Attempt::Ran(_) => {
            let last = RETRY_WAITS.len() - 1;
            let wait = RETRY_WAITS[usize::try_from(event.failures).unwrap_or(last).min(last)];
            if now + wait >= expiry {
                NextStep::GivenUp(Condition::EventAgeExceeded)
            } else {
                NextStep::RetryAt(now + wait)
            }
        }
        Attempt::Throttled | Attempt::SystemError(_) if now >= expiry => {
            NextStep::GivenUp(Condition::EventAgeExceeded)
        }
        Attempt::Throttled | Attempt::SystemError(_) => {
            NextStep::RetryAt((now + deferral(deferrals)).min(expiry))
        }
        Attempt::LoopStopped => NextStep::GivenUp(Condition::RecursiveInvocation),
        Attempt::Gone => NextStep::GivenUp(Condition::FunctionGone),
    }
}

/// How long an event waits that was turned away, and has been `deferrals` times before: from a second to five
/// minutes.
pub(crate) fn deferral(deferrals: u32) -> Duration {
    DEFERRAL_MIN.saturating_mul(2_u32.saturating_pow(deferrals)).min(DEFERRAL_MAX)
}

/// How long to wait after a receiver was not available for the `tries`th time in a row; `None` to give up.
pub(crate) fn hand_over_wait(tries: u32) -> Option<Duration> {
    HAND_OVER_WAITS.get(usize::try_from(tries).ok()?.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests;
