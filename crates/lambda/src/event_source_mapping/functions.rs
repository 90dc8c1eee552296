//! What pollers ask of functions.

use std::time::Duration;

use async_trait::async_trait;
use event_source::{Batch, FunctionInfo, Functions, Invoked, Ran};
use ids::{FunctionArn, RequestId};
use invoker::{Invocation, InvokeError, Outcome as Ended};

use crate::Lambda;
use crate::errors::{Failure, Outcome};
use crate::figures;
use crate::function::{FunctionReference, find_function, find_version};
use crate::invocation::{Kind, check_size, new_trace, run};
use crate::routes::{Branch, Route, find_route};
use crate::story::attempted;

#[async_trait]
impl Functions for Lambda {
    async fn function(&self, function: &FunctionArn) -> Result<Option<FunctionInfo>, String> {
        match describe(self, &FunctionReference::of(function)).await {
            Ok(info) => Ok(Some(info)),
            Err(Failure::Answer(error)) if error.status() == 404 => Ok(None),
            Err(failure) => Err(failure.cause()),
        }
    }

    /// The version and its code are those of now, not of when the mapping was made.
    async fn invoke(&self, batch: Batch) -> Invoked {
        let reference = FunctionReference::of(&batch.function);
        let route = match find_route(self, &reference).await {
            Ok(route) => route,
            Err(Failure::Answer(error)) if error.status() == 404 => return Invoked::Gone,
            // While it is being created, and after that has failed, it may be updated yet.
            Err(failure) => return Invoked::SystemError(failure.cause()),
        };
        if let Err(failure) = check_size(&batch.payload, Kind::RequestResponse) {
            return Invoked::SystemError(failure.cause());
        }
        let branch = route.choose(|| self.ids.unit());
        let header = match header(self, &route, &batch.trace_headers) {
            Ok(header) => header,
            Err(headers) => {
                branch.figures.loop_stopped(self.clock.now());
                return Invoked::LoopStopped { headers };
            }
        };
        let id = self.ids.request_id();
        match run(self, invocation(id, batch, header, &route, branch)).await {
            Ok(ended) => Invoked::Ran(Box::new(ran(id, branch, ended))),
            Err(InvokeError::Throttled(_)) => Invoked::Throttled,
            Err(InvokeError::Internal(cause)) => Invoked::SystemError(cause),
        }
    }
}

/// What pollers must know, whether or not the function can be run now. Of an alias with two versions the one counts that
/// may run longer.
pub(super) async fn describe(lambda: &Lambda, reference: &FunctionReference) -> Outcome<FunctionInfo> {
    // In memory, as a rule.
    if let Ok(route) = find_route(lambda, reference).await {
        let role = route.choose(|| 1.0).target.function.role.clone();
        return Ok(FunctionInfo { timeout: route.timeout(), role, metrics: route.events.metrics.clone() });
    }
    let snapshot = lambda.snapshot().await?;
    let function = find_function(&*snapshot, &reference.key).await?.record;
    let configuration = find_version(&*snapshot, reference, &function).await?.configuration;
    Ok(FunctionInfo {
        timeout: Duration::from_secs(configuration.timeout_s.into()),
        role: configuration.role,
        metrics: figures::source(&reference.key, reference.qualifier.as_ref(), None),
    })
}

/// The trace to hand on: of the chains that records of the batch belong to, the one that is closest to a loop.
///
/// # Errors
/// The headers of those that are loops.
fn header(lambda: &Lambda, route: &Route, headers: &[String]) -> Result<String, Vec<String>> {
    let counted: Vec<String> = headers.iter().map(|header| route.hash.count(header)).collect();
    if !route.allows_loops {
        let loops: Vec<String> = headers
            .iter()
            .zip(&counted)
            .filter(|(_, counted)| route.hash.is_loop(counted))
            .map(|(header, _)| header.clone())
            .collect();
        if !loops.is_empty() {
            return Err(loops);
        }
    }
    let closest = counted.into_iter().max_by_key(|header| route.hash.counts(header));
    Ok(closest.unwrap_or_else(|| route.hash.count(&new_trace(lambda))))
}

fn invocation(id: RequestId, batch: Batch, header: String, route: &Route, branch: &Branch) -> Invocation {
    Invocation {
        request_id: id,
        function: branch.target.function.clone(),
        invoked_arn: batch.function,
        payload: batch.payload,
        client_context: None,
        trace_id: Some(header),
        tail_log: false,
        reserved_concurrency: route.reserved_concurrency,
        stream: None,
        observer: Some(branch.figures.clone()),
    }
}

fn ran(id: RequestId, branch: &Branch, ended: Ended) -> Ran {
    Ran {
        request_id: id.to_string(),
        attempted: attempted(branch, &ended),
        executed_version: branch.executed_version(),
        error: ended.error.map(|error| (error.error_type, error.message)),
        payload: ended.payload,
    }
}
