//! The end of an event: what is left of it goes to whoever is to hear of it, in the commit that removes its row.

use std::sync::Arc;

use clock::Timestamp;
use ids::FunctionArn;
use store::{CommitError, Transaction};
use targets::{
    FailedEvent, FunctionEvent, MetricSource, Prepared, QueueMessage, Settled, TargetError, TopicMessage,
    What,
};

use crate::Condition;
use crate::engine::{COMMIT_LOST, Committed, Pauses};
use crate::next_step::hand_over_wait;
use crate::record::{dead_letter_attributes, record};
use crate::report::metric_source;
use crate::row::{Ending, Receiver, Role, Stored};
use crate::work::Work;

/// How often receivers whose state changes under the commit are asked anew before that counts as not available.
const CONFLICTS_MAX: u32 = 5;

/// Hands the event over, or what can be handed over now, and writes when to try the rest again.
pub(crate) async fn conclude(mut work: Work, metrics: Option<Arc<MetricSource>>) {
    work.attempted(false);
    let Some(mut ending) = work.stored.ending.clone() else { return work.abandoned() };
    let metrics = metrics.unwrap_or_else(|| metric_source(&work.stored.event.function));
    let mut is_announced = ending.tries > 0;
    let mut obstacles = Obstacles::default();
    loop {
        let mut round = Round::prepare(&work, &ending, &obstacles).await;
        let transaction = std::mem::take(&mut round.transaction);
        match work.engine.commit(&work.row, transaction).await {
            Committed::Applied { heard: true } => round.settled = Settled::Committed,
            Committed::Applied { heard: false } if !obstacles.lost => {}
            // It is one of several commits, and only the store knows which.
            Committed::Applied { heard: false } | Committed::AppliedBefore => {
                round.settle();
                if !is_announced {
                    announce(&work, &ending, &metrics);
                }
                return work.lost_sight();
            }
            Committed::Lost => {
                round.settle();
                obstacles.lost = true;
                if !obstacles.pauses.pause(&work.engine, COMMIT_LOST).await {
                    return work.abandoned();
                }
                continue;
            }
            Committed::Refused(error) => {
                if !obstacles.meet(&work, error, ending.receivers.len()).await {
                    return work.abandoned();
                }
                continue;
            }
            Committed::Unknown => {
                round.settle();
                return work.abandoned();
            }
        }
        (obstacles.conflicts, obstacles.verdict, obstacles.lost) = (0, None, false);
        if !std::mem::replace(&mut is_announced, true) {
            announce(&work, &ending, &metrics);
        }
        let (rest, wait) = round.applied(&work, &metrics);
        let Some(rest) = rest else {
            let condition = ending.condition.to_string();
            work.engine.tell(&work.stored.event, || What::Ended { condition });
            return work.ended();
        };
        if let Some(reason) = wait {
            let until = rest.due;
            work.engine.tell(&work.stored.event, || What::Waits { until, reason });
            return work.rescheduled(until);
        }
        work.row = rest.row();
        work.stored = rest;
        ending = work.stored.ending.clone().unwrap_or(ending);
    }
}

/// An event that was given up is counted, and kept for those who want to replay it.
fn announce(work: &Work, ending: &Ending, metrics: &Arc<MetricSource>) {
    if ending.condition == Condition::Success {
        return;
    }
    let Stored { event, response, .. } = &work.stored;
    work.engine.count("AsyncEventsDropped", metrics);
    work.engine.parts.trace.keep(FailedEvent {
        id: event.id.to_string(),
        at: ending.at,
        function: event.function.clone(),
        condition: ending.condition.to_string(),
        error: response.as_ref().and_then(|response| response.error.clone()),
        payload: event.payload.clone(),
    });
}

/// What stood in the way of earlier rounds.
#[derive(Debug, Default)]
struct Obstacles {
    pauses: Pauses,
    conflicts: u32,
    /// Each receiver has a commit of its own, so that none stands in the way of another.
    one_by_one: bool,
    /// A commit may still be applied whose reply was lost.
    lost: bool,
    /// Why the one receiver whose turn it is gets nothing.
    verdict: Option<TargetError>,
}

impl Obstacles {
    /// A commit failed, of an event that so many are to hear of. `false` when the server is shutting down.
    async fn meet(&mut self, work: &Work, error: CommitError, receivers: usize) -> bool {
        let lasting = match &error {
            CommitError::Conflict(_) => {
                self.conflicts += 1;
                self.conflicts >= CONFLICTS_MAX
            }
            CommitError::TooLarge(_) => true,
            CommitError::Fenced | CommitError::Unknown(_) | CommitError::Unavailable(_) => {
                return self.pauses.pause(&work.engine, &error.to_string()).await;
            }
        };
        if !lasting {
            return true;
        }
        self.conflicts = 0;
        if receivers > 1 && !self.one_by_one {
            self.one_by_one = true;
        } else {
            self.verdict = Some(match error {
                CommitError::TooLarge(why) => TargetError::Refused(why),
                error => TargetError::Unavailable(error.to_string()),
            });
        }
        true
    }
}

/// One commit: whom it hands over to, whom it does not, and what remains to be done.
#[derive(Debug)]
struct Round {
    transaction: Transaction,
    sent: Vec<(Receiver, Prepared)>,
    refused: Vec<(Receiver, String)>,
    rest: Option<Stored>,
    /// Why the rest waits.
    wait: Option<String>,
    /// What those to whom it hands over are told of the commit: unless it is sure, to look for themselves.
    settled: Settled,
}

impl Round {
    async fn prepare(work: &Work, ending: &Ending, obstacles: &Obstacles) -> Self {
        let mut round = Self {
            transaction: Transaction::new(),
            sent: Vec::new(),
            refused: Vec::new(),
            rest: None,
            wait: None,
            settled: Settled::Unknown,
        };
        let together = if obstacles.one_by_one { 1 } else { ending.receivers.len() };
        let (now, later) = ending.receivers.split_at(together.min(ending.receivers.len()));
        let mut postponed = Vec::new();
        for receiver in now {
            let answer = match &obstacles.verdict {
                Some(error) => Err(error.clone()),
                None => ask(work, ending, receiver).await,
            };
            match answer {
                Ok(prepared) => round.sent.push((receiver.clone(), prepared)),
                Err(error) if error.is_temporary() => postponed.push((receiver.clone(), error.to_string())),
                Err(error) => round.refused.push((receiver.clone(), error.to_string())),
            }
        }
        round.write(work, ending, postponed, later);
        round
    }

    fn write(
        &mut self,
        work: &Work,
        ending: &Ending,
        postponed: Vec<(Receiver, String)>,
        later: &[Receiver],
    ) {
        let wait = postponed.first().and_then(|_| hand_over_wait(ending.tries + 1));
        let mut receivers = Vec::new();
        if wait.is_some() {
            self.wait = postponed.first().map(|(receiver, why)| format!("{} {why}", receiver.arn));
            receivers.extend(postponed.into_iter().map(|(receiver, _)| receiver));
        } else {
            self.refused.extend(postponed);
        }
        receivers.extend_from_slice(later);
        if !(self.sent.is_empty() && receivers.is_empty()) {
            work.row.check(&mut self.transaction);
        }
        work.row.delete(&mut self.transaction);
        for (_, prepared) in &mut self.sent {
            prepared.join(&mut self.transaction);
        }
        if receivers.is_empty() {
            return;
        }
        // Even what goes on at once gets a key of its own: whether a commit was applied shows by the old one.
        let next = Timestamp::from_micros(work.stored.due.as_micros().saturating_add(1));
        let due = wait.map_or(next, |wait| work.engine.now() + wait);
        let tries = ending.tries + u32::from(wait.is_some());
        let rest = Stored {
            due,
            ending: Some(Ending { receivers, tries, ..ending.clone() }),
            ..work.stored.clone()
        };
        match rest.put(&mut self.transaction) {
            Ok(()) => self.rest = Some(rest),
            Err(error) => tracing::error!(%error, "an event cannot be written"),
        }
    }

    /// It is not known what of it is on disk.
    fn settle(self) {
        self.sent.into_iter().for_each(|(_, prepared)| prepared.settle(Settled::Unknown));
    }

    /// It is on disk: what remains to be done, and why that waits, if it does.
    fn applied(self, work: &Work, metrics: &Arc<MetricSource>) -> (Option<Stored>, Option<String>) {
        let (engine, event) = (&work.engine, &work.stored.event);
        for (receiver, prepared) in self.sent {
            let id = prepared.id.clone();
            engine.tell(event, || What::Sent { to: receiver.arn.to_string(), role: role(&receiver), id });
            prepared.settle(self.settled);
        }
        for (receiver, reason) in self.refused {
            let metric = match receiver.role {
                Role::DeadLetterQueue => "DeadLetterErrors",
                Role::OnSuccess | Role::OnFailure => "DestinationDeliveryFailures",
            };
            engine.count(metric, metrics);
            engine.tell(event, || What::NotSent {
                to: receiver.arn.to_string(),
                role: role(&receiver),
                reason,
            });
        }
        (self.rest, self.wait)
    }
}

fn role(receiver: &Receiver) -> String {
    match receiver.role {
        Role::DeadLetterQueue => "dead-letter queue".to_owned(),
        Role::OnSuccess | Role::OnFailure => "destination".to_owned(),
    }
}

/// What a receiver has to write to accept the event, or the record of it.
async fn ask(work: &Work, ending: &Ending, receiver: &Receiver) -> Result<Prepared, TargetError> {
    let targets = &work.engine.parts.targets;
    let Stored { event, .. } = &work.stored;
    let (body, attributes) = match receiver.role {
        Role::DeadLetterQueue => (
            String::from_utf8_lossy(&event.payload).into_owned(),
            dead_letter_attributes(&work.stored, ending),
        ),
        Role::OnSuccess | Role::OnFailure => {
            let record =
                record(&work.stored, ending).map_err(|error| TargetError::Refused(error.to_string()))?;
            (record, targets::Attributes::new())
        }
    };
    let (arn, trace_header, from) = (&receiver.arn, event.trace_header.clone(), Some(event.id.to_string()));
    match (arn.service.as_str(), receiver.role) {
        ("sqs", _) => {
            let sender_id = event.function.name.clone();
            let message =
                QueueMessage { body, attributes, trace_header, sender_id, from, ..QueueMessage::default() };
            targets.queues()?.prepare_message(arn, message).await
        }
        ("sns", _) => {
            let message =
                TopicMessage { message: body, attributes, trace_header, from, ..TopicMessage::default() };
            targets.topics()?.prepare_publication(arn, message).await
        }
        ("lambda", Role::OnSuccess | Role::OnFailure) => {
            let function = FunctionArn::parse(&arn.to_string())
                .map_err(|error| TargetError::Refused(error.to_string()))?;
            let source = event.function.to_string();
            let event = FunctionEvent { payload: body.into(), trace_header, source, from };
            targets.functions()?.prepare_event(&function, event).await
        }
        _ => Err(TargetError::Refused(format!("events cannot be sent to {arn}"))),
    }
}
