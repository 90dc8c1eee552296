//! Taking events over: from callers of the API, from other services, and from those who replay a failed one.

use bytes::Bytes;
use delivery::Event;
use ids::RequestId;
use store::CommitError;
use targets::{FailedEvent, TargetError};
use wire::Context;

use crate::Lambda;
use crate::errors::{Failure, Outcome};
use crate::function::FunctionReference;
use crate::invocation::new_trace;
use crate::routes::{Route, find_route};

/// Accepts an event of a caller: once this returns it is on disk. Returns its `X-Amzn-Trace-Id`.
///
/// # Errors
/// `ServiceException` when it is not, or perhaps not, on disk.
pub(crate) async fn accept(
    lambda: &Lambda,
    context: &Context,
    reference: &FunctionReference,
    route: &Route,
    payload: Bytes,
) -> Outcome<String> {
    let header = context.trace_id.clone().unwrap_or_else(|| new_trace(lambda));
    let event = event(lambda, context.request_id, reference, route, payload, &header);
    let caller = context.caller.arn.clone();
    lambda.delivery.accept(event, caller, None, &route.events.metrics).await?;
    Ok(header)
}

/// An event as it is kept. Its header counts the function already: all its attempts are the same step of a chain, and
/// what comes of it goes on from there.
pub(super) fn event(
    lambda: &Lambda,
    id: RequestId,
    reference: &FunctionReference,
    route: &Route,
    payload: Bytes,
    header: &str,
) -> Event {
    Event {
        id,
        function: reference.arn(),
        payload: if payload.is_empty() { Bytes::from_static(b"{}") } else { payload },
        trace_header: Some(route.hash.count(header)),
        accepted: lambda.clock.now(),
        failures: 0,
    }
}

impl Lambda {
    /// Runs a failed event once more, as a new event that comes from it. Returns the new event's request id.
    ///
    /// # Errors
    /// [`TargetError::NotFound`] when the function is gone; [`TargetError::Unavailable`] when it cannot be invoked at
    /// present or the event could not be written.
    pub async fn replay(&self, failed: FailedEvent) -> Result<RequestId, TargetError> {
        let reference = FunctionReference::of(&failed.function);
        let route = find_route(self, &reference).await.map_err(|failure| refusal(&reference, failure))?;
        let id = self.ids.request_id();
        let event = event(self, id, &reference, &route, failed.payload, &new_trace(self));
        let by = format!("arn:aws:iam::{}:root", failed.function.account);
        let accepted = self.delivery.accept(event, by, Some(failed.id), &route.events.metrics).await;
        accepted.map_err(|error: CommitError| TargetError::Unavailable(error.to_string()))?;
        Ok(id)
    }
}

/// Why an event cannot be taken over, for those who are not callers of the API.
pub(super) fn refusal(reference: &FunctionReference, failure: Failure) -> TargetError {
    match failure {
        Failure::Answer(error) if error.status() == 404 => TargetError::NotFound(reference.arn().to_string()),
        // It is being created, or has failed: that may change.
        failure => TargetError::Unavailable(failure.cause()),
    }
}
