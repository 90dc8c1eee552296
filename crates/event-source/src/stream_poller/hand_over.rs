//! Records that are given up, and what the destination hears of it: in the commit in which the checkpoint moves on, or
//! in a later one, when the destination cannot be reached at once.

use store::CommitError;
use targets::{Prepared, QueueMessage, TargetError, TopicMessage, Unit, What};

use super::failure_record::GivenUp;
use super::lane::{Extent, HandOver, Tries};
use super::next_step::{self, Condition, Item, extent};
use super::saver::Committed;
use super::work::{Halt, Work, pause};
use crate::figures::Figure;
use crate::pauses::Pauses;

/// How often a destination whose state changes under the commit is asked anew before that counts as not available.
const CONFLICTS_MAX: u32 = 5;
const ROLE: &str = "destination";

/// How one attempt ended.
enum Attempt {
    Delivered,
    /// There is no answer yet; look again at once.
    Again,
    Later(String),
    Never(TargetError),
}

impl Work {
    /// The lane has moved on beyond these records.
    pub(crate) async fn give_up(
        &mut self,
        records: &[Item],
        condition: Condition,
        tries: &Tries,
    ) -> Result<(), Halt> {
        match extent(records) {
            Some(extent) => self.give_up_extent(extent, condition, tries).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn give_up_extent(
        &mut self,
        extent: Extent,
        condition: Condition,
        tries: &Tries,
    ) -> Result<(), Halt> {
        let poller = &self.place.poller;
        if let Some(response) = tries.response.as_ref().filter(|_| !poller.is_untraced()) {
            let what = What::Ended { condition: condition.name().to_owned() };
            poller.trace(response.request_id.clone(), poller.mapping.function.to_string(), what);
        }
        if self.polling.on_failure.is_none() {
            // "excludes events that you send to an on-failure destination" (AWS Lambda developer guide, "Types of metrics for
            // Lambda functions").
            poller.figures.count(Figure::Dropped, extent.records);
            self.save();
            return Ok(());
        }
        let given_up =
            GivenUp { condition, extent, failures: tries.failures, response: tries.response.clone() };
        self.lane.hand_over = Some(HandOver { given_up, tries: 0, due: None });
        self.hand_over().await
    }

    /// Has the destination accept what was given up, however long that takes.
    pub(crate) async fn hand_over(&mut self) -> Result<(), Halt> {
        let mut pauses = Pauses::of_store();
        let mut conflicts = 0;
        while let Some(hand_over) = self.lane.hand_over.clone() {
            self.wait_until(hand_over.due).await?;
            match self.attempt_hand_over(&hand_over, &mut pauses, &mut conflicts).await? {
                Attempt::Again => {}
                Attempt::Delivered => {
                    self.lane.hand_over = None;
                    self.reader.saved();
                    let records = hand_over.given_up.extent.records;
                    self.place.poller.figures.count(Figure::OnFailureDestinationDelivered, records);
                }
                Attempt::Never(error) => {
                    self.lane.hand_over = None;
                    self.not_delivered(&hand_over.given_up, &error).await;
                    self.save();
                }
                Attempt::Later(why) => {
                    tracing::warn!(why, "a destination is not available");
                    let tries = hand_over.tries.saturating_add(1);
                    let due = Some(self.place.now() + next_step::wait(tries));
                    self.lane.hand_over = Some(HandOver { tries, due, ..hand_over });
                    self.save();
                }
            }
        }
        Ok(())
    }

    async fn attempt_hand_over(
        &self,
        hand_over: &HandOver,
        pauses: &mut Pauses,
        conflicts: &mut u32,
    ) -> Result<Attempt, Halt> {
        let prepared = match self.ask(&hand_over.given_up).await {
            Ok(Some(prepared)) => prepared,
            // The mapping has no destination any more.
            Ok(None) => return Ok(Attempt::Never(TargetError::NotFound("a destination".to_owned()))),
            Err(error) if error.is_temporary() => return Ok(Attempt::Later(error.to_string())),
            Err(error) => return Ok(Attempt::Never(error)),
        };
        let mut after = self.lane.clone();
        after.hand_over = None;
        let id = prepared.id.clone();
        let error = match self.saver.commit(&after, prepared).await {
            Committed::Applied => {
                self.delivered(&hand_over.given_up, id);
                return Ok(Attempt::Delivered);
            }
            Committed::Unknown => return Err(Halt::Stopped),
            Committed::Lost => "the reply to a commit was lost".to_owned(),
            Committed::Refused(CommitError::TooLarge(why)) => {
                return Ok(Attempt::Never(TargetError::Refused(why)));
            }
            Committed::Refused(CommitError::Conflict(_)) => {
                *conflicts += 1;
                let is_lasting = *conflicts >= CONFLICTS_MAX;
                let why = "its state changes all the time".to_owned();
                return Ok(if is_lasting { Attempt::Later(why) } else { Attempt::Again });
            }
            Committed::Refused(error) => error.to_string(),
        };
        pause(pauses, &self.place.poller.stop, &error).await?;
        Ok(Attempt::Again)
    }

    /// What the destination has to write; `None` when there is none.
    async fn ask(&self, given_up: &GivenUp) -> Result<Option<Prepared>, TargetError> {
        let Some(destination) = &self.polling.on_failure else { return Ok(None) };
        let parts = self.place.poller.parts();
        let function = &self.place.mapping().function;
        let request_id = match &given_up.response {
            Some(response) => response.request_id.clone(),
            None => parts.ids.request_id().to_string(),
        };
        let stream = self.place.stream.settings();
        let body = given_up
            .record(&request_id, &function.to_string(), self.place.shard, &stream.arn, self.place.now())
            .map_err(|error| TargetError::Refused(error.to_string()))?;
        let from = Some(request_id);
        match destination.service.as_str() {
            "sqs" => {
                let sender_id = function.name.clone();
                let message = QueueMessage { body, sender_id, from, ..QueueMessage::default() };
                parts.targets.queues()?.prepare_message(destination, message).await.map(Some)
            }
            "sns" => {
                let message = TopicMessage { message: body, from, ..TopicMessage::default() };
                parts.targets.topics()?.prepare_publication(destination, message).await.map(Some)
            }
            _ => Err(TargetError::Refused(format!("records cannot be sent to {destination}"))),
        }
    }

    fn delivered(&self, given_up: &GivenUp, id: String) {
        let to = self.destination();
        self.tell_of(given_up, || What::Sent { to, role: ROLE.to_owned(), id });
    }

    async fn not_delivered(&self, given_up: &GivenUp, error: &TargetError) {
        let (to, reason) = (self.destination(), error.to_string());
        tracing::warn!(to, reason, "a destination does not accept a record");
        self.place.poller.figures.count(Figure::Dropped, given_up.extent.records);
        self.tell_of(given_up, || What::NotSent { to, role: ROLE.to_owned(), reason });
        if let Some(function) = self.function().await {
            let values = [("DestinationDeliveryFailures", Unit::Count, 1.0)];
            self.place.poller.parts().metrics.record(&function.metrics, self.place.now(), &values);
        }
    }

    fn tell_of(&self, given_up: &GivenUp, what: impl FnOnce() -> What) {
        let poller = &self.place.poller;
        if let Some(response) = given_up.response.as_ref().filter(|_| !poller.is_untraced()) {
            poller.trace(response.request_id.clone(), poller.mapping.function.to_string(), what());
        }
    }

    fn destination(&self) -> String {
        self.polling.on_failure.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}
