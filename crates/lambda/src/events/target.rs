//! Functions as the target of other services.

use async_trait::async_trait;
use ids::{FunctionArn, Qualifier};
use targets::{FunctionEvent, InvokeFunction, Prepared, TargetError};

use super::acceptance::{event, refusal};
use crate::Lambda;
use crate::errors::{Failure, Outcome};
use crate::function::FunctionReference;
use crate::invocation::{EVENT_BYTES_MAX, check_json, new_trace};
use crate::routes::find_route;
use crate::tables::alias::ALIASES;
use crate::tables::function::{FUNCTIONS, VERSIONS};

#[async_trait]
impl InvokeFunction for Lambda {
    async fn function_exists(&self, function: &FunctionArn) -> Result<bool, TargetError> {
        let reference = FunctionReference::of(function);
        exists(self, &reference).await.map_err(|failure| refusal(&reference, failure))
    }

    async fn prepare_event(
        &self,
        function: &FunctionArn,
        sent: FunctionEvent,
    ) -> Result<Prepared, TargetError> {
        let reference = FunctionReference::of(function);
        if sent.payload.len() > EVENT_BYTES_MAX {
            return Err(TargetError::Refused(format!(
                "an event of {} bytes is larger than {EVENT_BYTES_MAX}",
                sent.payload.len()
            )));
        }
        if let Err(Failure::Answer(error)) = check_json(&sent.payload) {
            return Err(TargetError::Refused(error.message().unwrap_or_default().to_owned()));
        }
        let route = find_route(self, &reference).await.map_err(|failure| refusal(&reference, failure))?;
        let header = sent.trace_header.unwrap_or_else(|| new_trace(self));
        let event = event(self, self.ids.request_id(), &reference, &route, sent.payload, &header);
        Ok(self.delivery.prepare(event, sent.source, sent.from, &route.events.metrics))
    }
}

async fn exists(lambda: &Lambda, reference: &FunctionReference) -> Outcome<bool> {
    let snapshot = lambda.snapshot().await?;
    let key = &reference.key;
    if FUNCTIONS.get(&*snapshot, &key.parts()).await?.is_none() {
        return Ok(false);
    }
    Ok(match &reference.qualifier {
        None | Some(Qualifier::Latest) => true,
        Some(Qualifier::Version(number)) => {
            VERSIONS.get(&*snapshot, &key.parts_and(*number)).await?.is_some()
        }
        Some(Qualifier::Alias(name)) => {
            ALIASES.get(&*snapshot, &key.parts_and(name.as_str())).await?.is_some()
        }
    })
}
