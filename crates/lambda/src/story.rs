//! The story of a synchronous invocation, for those who follow it. That of an event is told by its queue.

use clock::Timestamp;
use invoker::{InvokeError, Outcome as Ended};
use targets::{Attempted, Step, What};
use wire::Context;

use crate::Lambda;
use crate::function::FunctionReference;
use crate::routes::Branch;

/// An invocation whose end is still to be told. Untold, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Story {
    first: Step,
}

impl Story {
    /// None while nobody can keep it.
    pub(crate) fn begin(
        lambda: &Lambda,
        context: &Context,
        reference: &FunctionReference,
        size: usize,
    ) -> Option<Self> {
        if lambda.trace.is_overloaded() {
            return None;
        }
        let first = Step {
            at: lambda.clock.now(),
            account: reference.key.account.clone(),
            region: reference.key.region.clone(),
            subject: context.request_id.to_string(),
            resource: reference.arn().to_string(),
            what: What::Accepted {
                by: context.caller.arn.clone(),
                from: None,
                size_bytes: u64::try_from(size).unwrap_or(u64::MAX),
            },
        };
        Some(Self { first })
    }

    /// Tells it from its beginning.
    pub(crate) fn end(self, lambda: &Lambda, branch: &Branch, result: &Result<Ended, InvokeError>) {
        let now = lambda.clock.now();
        let condition = match result {
            Ok(ended) if ended.error.is_none() => "Success",
            Ok(_) => "FunctionError",
            Err(InvokeError::Throttled(_)) => "Throttled",
            Err(InvokeError::Internal(_)) => "SystemError",
        };
        let attempted =
            result.as_ref().ok().map(|ended| self.then(now, What::Attempted(attempted(branch, ended))));
        let last = self.then(now, What::Ended { condition: condition.to_owned() });
        for step in [Some(self.first), attempted, Some(last)].into_iter().flatten() {
            lambda.trace.record(step);
        }
    }

    fn then(&self, at: Timestamp, what: What) -> Step {
        let Step { account, region, subject, resource, .. } = &self.first;
        Step {
            at,
            account: account.clone(),
            region: region.clone(),
            subject: subject.clone(),
            resource: resource.clone(),
            what,
        }
    }
}

/// An attempt, and the only one where nobody makes another.
pub(crate) fn attempted(branch: &Branch, ended: &Ended) -> Attempted {
    Attempted {
        number: 1,
        version: branch.executed_version(),
        duration: ended.report.duration,
        cold: ended.report.init.is_some(),
        error: ended.error.as_ref().map(|error| (error.error_type.clone(), error.message.clone())),
        failed_items: 0,
        log_group: ended.log_stream.group.clone(),
        log_stream: ended.log_stream.stream.clone(),
    }
}
