//! Tumbling windows: records that arrived within one interval are aggregated in a state, which the function gets back
//! with each batch, and alone in the end.
//!
//! Source: AWS Lambda developer guide, "Implementing stateful Kinesis Data Streams processing in Lambda". Decided here:
//! an idle window is closed a second after its end (AWS takes up to two minutes); a window whose state has grown too
//! large ends with a final invocation, and what arrives later in the interval begins with an empty state. So does a
//! window whose mapping has no windows any more, or gets other lanes. A final invocation that is given up takes the
//! state with it; the destination's record then names the records that were in it.

use std::time::Duration;

use clock::Timestamp;
use serde_json::value::RawValue;

use super::lane::{Tries, Window};
use super::next_step::{self, Condition, Item, Outcome, extent};
use super::response::STATE_BYTES_MAX;
use super::waits;
use super::work::{Halt, Work};

impl Work {
    /// Whether the function keeps a state.
    pub(crate) fn has_windows(&self) -> bool {
        !self.polling.tumbling_window.is_zero() || self.lane.window.is_some()
    }

    /// Where the window ends that a record would go to which arrived then, and comes next.
    pub(crate) fn window_end(&self, arrived: Timestamp) -> Option<Timestamp> {
        match &self.lane.window {
            Some(window) => Some(window.end),
            None => bounds(self.polling.tumbling_window, arrived).map(|(_, end)| end),
        }
    }

    /// The window as it is before these records, with them.
    pub(crate) fn window_with(&self, batch: &[Item]) -> Option<Window> {
        let more = extent(batch)?;
        if let Some(window) = &self.lane.window {
            return Some(Window { aggregated: window.aggregated.and(more), ..window.clone() });
        }
        let (start, end) = bounds(self.polling.tumbling_window, more.first_arrived)?;
        let state = RawValue::from_string("{}".to_owned()).ok()?;
        Some(Window { start, end, state, aggregated: more, is_terminated_early: false, closing: None })
    }

    /// The function has made this state of the window with these records.
    pub(crate) fn aggregate(&mut self, done: &[Item], state: Option<Box<RawValue>>) {
        let (Some(state), Some(window)) = (state, self.window_with(done)) else { return };
        let is_terminated_early = state.get().len() > STATE_BYTES_MAX;
        self.lane.window = Some(Window { state, is_terminated_early, ..window });
    }

    /// Whether the open window comes to its end before anything else is done.
    pub(crate) fn has_to_close(&self) -> bool {
        let is_cut_short = self.is_last || self.polling.tumbling_window.is_zero();
        let is_over = |window: &Window| window.is_terminated_early || window.closing.is_some();
        self.lane.window.as_ref().is_some_and(|window| is_cut_short || is_over(window))
    }

    /// Tries the final invocation once.
    pub(crate) async fn close_window(&mut self) -> Result<(), Halt> {
        let Some(window) = self.lane.window.clone() else { return Ok(()) };
        let tries = window.closing.clone().unwrap_or_default();
        let limits = self.limits();
        let wake = waits::closing_at(&limits, &window, &tries);
        if tries.turned_away > 0 {
            self.wait_for_room(wake).await?;
        } else {
            self.wait_until(wake).await?;
        }
        if waits::too_old_at(&limits, &window).is_some_and(|too_old| self.place.now() >= too_old) {
            return self.give_up_window(&window, Condition::RecordAgeExceeded, &tries).await;
        }
        let outcome = match self.function().await {
            Some(function) => {
                let event = self.final_event(&window, &function.role);
                self.invoke(&function, event, &[], &tries).await.0
            }
            None => Outcome::TurnedAway,
        };
        let now = self.place.now();
        let tries = match outcome {
            Outcome::Succeeded => {
                self.lane.window = None;
                self.save();
                return Ok(());
            }
            Outcome::TurnedAway => next_step::turned_away(&tries, now),
            Outcome::Failed(_, response) => match next_step::failed(&limits, tries.failures, response, now) {
                Ok(tries) => tries,
                Err(tries) => {
                    let condition = Condition::RetryAttemptsExhausted;
                    return self.give_up_window(&window, condition, &tries).await;
                }
            },
        };
        self.lane.window = Some(Window { closing: Some(tries), ..window });
        self.save();
        Ok(())
    }

    async fn give_up_window(
        &mut self,
        window: &Window,
        condition: Condition,
        tries: &Tries,
    ) -> Result<(), Halt> {
        self.lane.window = None;
        self.give_up_extent(window.aggregated, condition, tries).await
    }
}

/// The interval of this length that a moment lies in, counted from the epoch.
fn bounds(length: Duration, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let length_micros = i64::try_from(length.as_micros()).ok().filter(|length| *length > 0)?;
    let start = Timestamp::from_micros(at.as_micros().div_euclid(length_micros) * length_micros);
    Some((start, start + length))
}
