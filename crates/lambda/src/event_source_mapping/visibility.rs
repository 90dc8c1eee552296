//! A queue's visibility timeout beside its function's timeout. Source: AWS Lambda developer guide, "Creating and
//! configuring an Amazon SQS event source mapping".

use std::time::Duration;

use event_source::{Mapping, Page, Polling};
use ids::Qualifier;

use super::find_queue;
use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter};
use crate::tables::function::FunctionKey;

/// "We recommend setting your queue's visibility timeout to six times your function timeout, plus the value of
/// MaximumBatchingWindowInSeconds."
const TIMES: u32 = 6;

/// How many mappings of a function are looked at.
const MAPPINGS_MAX: usize = 100;

/// That a message stays hidden for as long as the function may run.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(crate) fn check_visibility(visibility: Duration, timeout: Duration) -> Outcome<()> {
    if visibility >= timeout {
        return Ok(());
    }
    Err(invalid_parameter(format!(
        "Queue visibility timeout: {} seconds is less than Function timeout: {} seconds",
        visibility.as_secs(),
        timeout.as_secs()
    )))
}

/// What to say of a visibility timeout that is shorter than recommended.
fn advice(visibility: Duration, timeout: Duration, window: Duration) -> Option<String> {
    let recommended = timeout * TIMES + window;
    (visibility < recommended).then(|| {
        format!(
            "the queue's visibility timeout of {} seconds is below the recommended {} ({TIMES} times the function's \
             timeout, and the batching window): a message may be handed out again while it is still being worked on or \
             waits for a throttled function",
            visibility.as_secs(),
            recommended.as_secs()
        )
    })
}

/// Writes a line into the server's log when the visibility timeout is shorter than recommended. AWS accepts it.
pub(crate) fn point_out_short_visibility(mapping: &Mapping, visibility: Duration, timeout: Duration) {
    if let Some(advice) = advice(visibility, timeout, mapping.batching_window) {
        let (function, queue) = (&mapping.function, &mapping.source);
        tracing::warn!(%function, %queue, uuid = mapping.uuid, "{advice}");
    }
}

/// [`point_out_short_visibility`] for all queues of a function whose timeout has become another one. That it is longer
/// than a queue's is no error at this point in AWS either.
pub(crate) async fn point_out_short_visibility_of(lambda: &Lambda, key: &FunctionKey, timeout: Duration) {
    let page = Page { function: Some(key.arn()), limit: MAPPINGS_MAX, ..Page::default() };
    let Ok(mappings) = lambda.event_sources.list(&key.account, &key.region, &page).await else { return };
    // A version's timeout does not change, nor does that of an alias.
    let concerned = |mapping: &&Mapping| {
        matches!(mapping.polling, Polling::Queue(_))
            && matches!(mapping.function.qualifier, None | Some(Qualifier::Latest))
    };
    for mapping in mappings.iter().filter(concerned) {
        if let Ok(visibility) = find_queue(lambda, &mapping.source).await {
            point_out_short_visibility(mapping, visibility, timeout);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_times_the_timeout_and_the_window_is_enough() {
        let seconds = Duration::from_secs;
        assert_eq!(advice(seconds(185), seconds(30), seconds(5)), None);
        let advice = advice(seconds(184), seconds(30), seconds(5)).unwrap();
        assert!(advice.contains("of 184 seconds is below the recommended 185 (6 times"), "{advice}");
    }

    #[test]
    fn as_long_as_the_function_may_run_is_the_least() {
        assert!(check_visibility(Duration::from_secs(60), Duration::from_secs(60)).is_ok());
        let error = wire::Error::from(
            check_visibility(Duration::from_secs(30), Duration::from_secs(60)).unwrap_err(),
        );
        let text = "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds";
        assert_eq!((error.code(), error.message()), ("InvalidParameterValueException", Some(text)));
    }
}
