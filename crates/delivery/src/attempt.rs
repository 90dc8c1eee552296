//! One attempt, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use clock::{Timestamp, execution_sleep};
use store::Transaction;
use targets::{Attempted, What};

use crate::engine::{COMMIT_LOST, Committed, Pauses};
use crate::head::TurnedAway;
use crate::next_step::{NextStep, before_attempt, deferral, next_step};
use crate::row::{Ending, Receiver, Response, Role, Stored};
use crate::work::Work;
use crate::{Attempt, Condition, EventSettings, FunctionResult, Functions, hand_over};

/// How long a running function may go on once the server is shutting down.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
/// An error's type and message are kept up to here: as much as a dead-letter queue gets.
pub(crate) const ERROR_BYTES_MAX: usize = 1_024;

/// Works on an event until it has ended or waits.
pub(crate) async fn run(work: Work, functions: Arc<dyn Functions>) {
    let settings = functions.event_settings(&work.stored.event).await;
    if work.stored.ending.is_some() {
        let metrics = settings.ok().flatten().map(|settings| settings.metrics);
        return hand_over::conclude(work, metrics).await;
    }
    let settings = match settings {
        Ok(Some(settings)) => settings,
        Ok(None) => return end(work, None, Condition::FunctionGone).await,
        Err(why) => return defer(work, None, why).await,
    };
    let now = work.engine.now();
    if let Some(condition) = before_attempt(&settings, &work.stored.event, now) {
        return end(work, Some(settings), condition).await;
    }
    work.engine.count_age(&work.stored.event, &settings.metrics, now);
    let Some(attempt) = attempt(&work, &*functions).await else { return work.abandoned() };
    follow(work, settings, attempt).await;
}

/// `None` when the server is shutting down.
async fn attempt(work: &Work, functions: &dyn Functions) -> Option<Attempt> {
    let tasks = &work.engine.parts.tasks;
    let grace_over = async {
        tasks.shutting_down().await;
        execution_sleep(SHUTDOWN_GRACE).await;
    };
    let attempt = tokio::select! {
        attempt = functions.attempt(&work.stored.event) => attempt,
        () = grace_over => return None,
    };
    // What is turned away by now is so because of the shutdown.
    let turned_away = matches!(attempt, Attempt::Throttled | Attempt::SystemError(_));
    (!turned_away || !tasks.is_shutting_down()).then_some(attempt)
}

async fn follow(mut work: Work, settings: EventSettings, attempt: Attempt) {
    let event = &work.stored.event;
    let now = work.engine.now();
    let deferrals = if matches!(attempt, Attempt::Throttled) { work.pauses() } else { work.stored.deferrals };
    let step = next_step(&settings, event, deferrals, &attempt, now);
    match attempt {
        Attempt::Ran(result) => {
            work.attempted(true);
            let response = note(&work, *result);
            work.stored.deferrals = 0;
            work.stored.response = Some(response);
            if step != NextStep::Succeeded {
                work.stored.event.failures += 1;
            }
        }
        Attempt::Throttled => {
            if let NextStep::RetryAt(until) = step {
                return turn_away(work, until);
            }
        }
        Attempt::SystemError(why) => {
            if let NextStep::RetryAt(until) = step {
                return defer(work, Some(until), why).await;
            }
        }
        Attempt::LoopStopped | Attempt::Gone => {}
    }
    match step {
        NextStep::Succeeded => end(work, Some(settings), Condition::Success).await,
        NextStep::GivenUp(condition) => end(work, Some(settings), condition).await,
        NextStep::RetryAt(due) => reschedule(work, due, "the function failed").await,
    }
}

/// Tells the story of an attempt that ran.
fn note(work: &Work, result: FunctionResult) -> Response {
    let FunctionResult { attempted, executed_version, payload, error } = result;
    let event = &work.stored.event;
    let number = event.failures + 1;
    work.engine.tell(event, || What::Attempted(Attempted { number, ..attempted }));
    let error = error.map(|(kind, message)| {
        (truncate(&kind, ERROR_BYTES_MAX).to_owned(), truncate(&message, ERROR_BYTES_MAX).to_owned())
    });
    Response { executed_version, error, payload }
}

/// There was no concurrency: nothing is written, as all of the function's events wait.
fn turn_away(work: Work, until: Timestamp) {
    let (engine, event) = (work.engine.clone(), work.stored.event.clone());
    let reason = || "no concurrency is left".to_owned();
    engine.tell(&event, || What::Deferred { reason: reason() });
    if let TurnedAway::Until(until) = work.turned_away(until) {
        engine.tell(&event, || What::Waits { until, reason: reason() });
    }
}

/// It could not be run: it goes back by itself. Without `until` nothing is known of the function at present.
async fn defer(mut work: Work, until: Option<Timestamp>, why: String) {
    if work.engine.parts.tasks.is_shutting_down() {
        return work.abandoned();
    }
    let due = until.unwrap_or_else(|| work.engine.now() + deferral(work.stored.deferrals));
    work.engine.tell(&work.stored.event, || What::Deferred { reason: why });
    work.stored.deferrals += 1;
    work.attempted(false);
    reschedule(work, due, "the function could not be run").await;
}

/// Has the event done again at `due`, with what has become of it by now.
pub(crate) async fn reschedule(work: Work, due: Timestamp, reason: &str) {
    let after = Stored { due, ..work.stored.clone() };
    let mut pauses = Pauses::default();
    loop {
        let mut transaction = Transaction::new();
        work.row.check(&mut transaction);
        work.row.delete(&mut transaction);
        if let Err(error) = after.put(&mut transaction) {
            tracing::error!(%error, id = %after.event.id, "an event cannot be written");
            return work.abandoned();
        }
        let why = match work.engine.commit(&work.row, transaction).await {
            // A commit of this that was lost before had the same content.
            Committed::Applied { .. } | Committed::AppliedBefore => {
                let reason = reason.to_owned();
                work.engine.tell(&after.event, || What::Waits { until: due, reason });
                return work.rescheduled(due);
            }
            Committed::Refused(error) => error.to_string(),
            Committed::Lost => COMMIT_LOST.to_owned(),
            Committed::Unknown => return work.abandoned(),
        };
        if !pauses.pause(&work.engine, &why).await {
            return work.abandoned();
        }
    }
}

/// Nothing is attempted any more: whoever is to hear of it does.
async fn end(mut work: Work, settings: Option<EventSettings>, condition: Condition) {
    work.attempted(false);
    let ran = condition == Condition::Success;
    let receivers = settings.as_ref().map(|settings| receivers(settings, condition)).unwrap_or_default();
    work.stored.ending = Some(Ending {
        condition,
        at: work.engine.now(),
        invoke_count: work.stored.event.failures + u32::from(ran),
        receivers,
        tries: 0,
    });
    hand_over::conclude(work, settings.map(|settings| settings.metrics)).await;
}

fn receivers(settings: &EventSettings, condition: Condition) -> Vec<Receiver> {
    let receiver = |role, arn: &Option<_>| arn.clone().map(|arn| Receiver { role, arn });
    match condition {
        Condition::Success => return receiver(Role::OnSuccess, &settings.on_success).into_iter().collect(),
        Condition::FunctionGone => return Vec::new(),
        _ => {}
    }
    let dead_letter = receiver(Role::DeadLetterQueue, &settings.dead_letter);
    dead_letter.into_iter().chain(receiver(Role::OnFailure, &settings.on_failure)).collect()
}

/// The beginning of `text`, at most so long.
pub(crate) fn truncate(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
