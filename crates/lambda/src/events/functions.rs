//! What the queue asks of functions.

use std::sync::Arc;

use async_trait::async_trait;
use delivery::{Attempt, Event, EventSettings, FunctionResult, Functions};
use invoker::{Invocation, InvokeError, Outcome as Ended};

use super::settings::find_settings;
use crate::Lambda;
use crate::errors::{Failure, Outcome};
use crate::function::FunctionReference;
use crate::invocation::run;
use crate::routes::{Branch, Route, find_route};
use crate::story::attempted;

#[async_trait]
impl Functions for Lambda {
    async fn event_settings(&self, event: &Event) -> Result<Option<EventSettings>, String> {
        settings(self, &FunctionReference::of(&event.function)).await.map_err(|failure| failure.cause())
    }

    /// The version and its code are those of now, not of when the event was accepted.
    async fn attempt(&self, event: &Event) -> Attempt {
        let reference = FunctionReference::of(&event.function);
        let route = match find_route(self, &reference).await {
            Ok(route) => route,
            Err(Failure::Answer(error)) if error.status() == 404 => return Attempt::Gone,
            // While it is being created, and after that has failed, it may be updated yet.
            Err(failure) => return Attempt::SystemError(failure.cause()),
        };
        let branch = route.choose(|| self.ids.unit());
        let header = event.trace_header.as_deref().unwrap_or_default();
        if !route.allows_loops && route.hash.is_loop(header) {
            branch.figures.loop_stopped(self.clock.now());
            return Attempt::LoopStopped;
        }
        match run(self, invocation(event, &route, branch)).await {
            Ok(ended) => Attempt::Ran(Box::new(result(branch, ended))),
            Err(InvokeError::Throttled(_)) => Attempt::Throttled,
            Err(InvokeError::Internal(cause)) => Attempt::SystemError(cause),
        }
    }
}

async fn settings(lambda: &Lambda, reference: &FunctionReference) -> Outcome<Option<EventSettings>> {
    // In memory, as a rule. What cannot be run has settings as well.
    if let Ok(route) = find_route(lambda, reference).await {
        return Ok(Some(route.events.clone()));
    }
    find_settings(&*lambda.snapshot().await?, reference).await
}

fn invocation(event: &Event, route: &Route, branch: &Arc<Branch>) -> Invocation {
    Invocation {
        request_id: event.id,
        function: branch.target.function.clone(),
        invoked_arn: event.function.clone(),
        payload: event.payload.clone(),
        client_context: None,
        trace_id: event.trace_header.clone(),
        tail_log: false,
        reserved_concurrency: route.reserved_concurrency,
        stream: None,
        observer: Some(branch.figures.clone()),
    }
}

fn result(branch: &Branch, ended: Ended) -> FunctionResult {
    FunctionResult {
        attempted: attempted(branch, &ended),
        executed_version: branch.executed_version(),
        error: ended.error.map(|error| (error.error_type, error.message)),
        payload: ended.payload,
    }
}
