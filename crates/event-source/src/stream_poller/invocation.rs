//! Runs the function with a batch.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;
use stream::Record;
use targets::{Attempted, Unit, What};

use super::event::EventWriter;
use super::lane::{Tries, Window};
use super::next_step::{Item, Outcome};
use super::response::{Reading, judge};
use super::work::{Work, items};
use crate::figures::Figure;
use crate::poller::{CALL_FAILED, FUNCTION_GONE, OK, THROTTLED};
use crate::{Batch, FunctionInfo, Invoked, Ran};

impl Work {
    /// The function as it is now; `None` when it cannot be run.
    pub(crate) async fn function(&self) -> Option<FunctionInfo> {
        let poller = &self.place.poller;
        match poller.functions.function(&poller.mapping.function).await {
            Ok(Some(function)) => return Some(function),
            Ok(None) => poller.report(FUNCTION_GONE),
            Err(error) => {
                tracing::warn!(error, "a function cannot be looked at");
                poller.report(CALL_FAILED);
            }
        }
        None
    }

    /// The event with the records, or with those of them for which there is room: so many.
    pub(crate) fn event(&self, records: &[Record], role: &str) -> (Bytes, usize) {
        let window = self.window_with(&items(records));
        let state_bytes = window.as_ref().map_or(0, |window| window.state.get().len());
        let mut event = EventWriter::new(&self.place.mapping().source, self.place.shard, role, state_bytes);
        let count = records.iter().take_while(|record| event.add(record)).count();
        (event.finish(window.as_ref(), false), count)
    }

    /// The event that ends a window.
    pub(crate) fn final_event(&self, window: &Window, role: &str) -> Bytes {
        let state_bytes = window.state.get().len();
        let event = EventWriter::new(&self.place.mapping().source, self.place.shard, role, state_bytes);
        event.finish(Some(window), true)
    }

    /// Runs the function; how that ended, and the window's new state.
    pub(crate) async fn invoke(
        &self,
        function: &FunctionInfo,
        event: Bytes,
        batch: &[Item],
        tries: &Tries,
    ) -> (Outcome, Option<Box<RawValue>>) {
        let poller = &self.place.poller;
        let mapping = &poller.mapping;
        if let Some(last) = batch.last() {
            let now = self.place.now();
            let age_ms = now.saturating_since(last.arrived).as_secs_f64() * 1e3;
            let values = [("IteratorAge", Unit::Milliseconds, age_ms)];
            poller.parts().metrics.record(&function.metrics, now, &values);
        }
        let invocation = Batch {
            function: mapping.function.clone(),
            payload: event,
            source: mapping.source.clone(),
            trace_headers: Vec::new(),
        };
        let ran = match poller.functions.invoke(invocation).await {
            Invoked::Ran(ran) => ran,
            Invoked::Throttled => return self.turned_away(THROTTLED),
            Invoked::Gone => return self.failed(FUNCTION_GONE, batch),
            Invoked::SystemError(error) => {
                tracing::warn!(error, function = %mapping.function, "a batch could not be tried");
                return self.failed(CALL_FAILED, batch);
            }
            // Records of a stream have no trace by which a loop could be told.
            Invoked::LoopStopped { .. } => return self.failed(CALL_FAILED, batch),
        };
        let reading =
            Reading { item_failures: mapping.reports_batch_item_failures, state: self.has_windows() };
        let (outcome, state) = judge(&ran, reading, batch);
        let failed_items = match outcome {
            Outcome::Failed(from, _) if ran.error.is_none() => batch.len().saturating_sub(from),
            _ => 0,
        };
        self.tell(&ran, tries, failed_items);
        poller.figures.count(Figure::Invoked, batch.len());
        let result = match outcome {
            Outcome::Failed(from, _) => {
                poller.figures.count(Figure::FailedInvoke, batch.len().saturating_sub(from));
                if from == 0 { CALL_FAILED } else { OK }
            }
            _ => OK,
        };
        poller.report(result);
        (outcome, state)
    }

    /// "Invocations can fail due to ... a deleted Lambda function, version, or alias" (AWS Lambda developer guide, "Types of
    /// metrics for Lambda functions").
    fn failed(&self, why: &str, batch: &[Item]) -> (Outcome, Option<Box<RawValue>>) {
        self.place.poller.figures.count(Figure::FailedInvoke, batch.len());
        self.turned_away(why)
    }

    fn turned_away(&self, why: &str) -> (Outcome, Option<Box<RawValue>>) {
        self.place.poller.report(why);
        (Outcome::TurnedAway, None)
    }

    fn tell(&self, ran: &Ran, tries: &Tries, failed_items: usize) {
        let poller: &Arc<_> = &self.place.poller;
        if poller.is_untraced() {
            return;
        }
        let number = tries.failures.saturating_add(1);
        let attempted = Attempted { number, failed_items, ..ran.attempted.clone() };
        let resource = poller.mapping.function.to_string();
        poller.trace(ran.request_id.clone(), resource, What::Attempted(attempted));
    }
}
