//! `InvokeWithResponseStream`: the response goes to the caller while the function writes it.

use api_lambda::{
    InvokeResponseStreamUpdate, InvokeWithResponseStreamCompleteEvent, InvokeWithResponseStreamRequest,
    InvokeWithResponseStreamResponse, InvokeWithResponseStreamResponseEvent, ResponseStreamingInvocationType,
};
use bytes::Bytes;
use futures::stream;
use invoker::{InvokeError, Outcome as Ended, StreamPart};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wire::{Context, Error, EventStream, Struct};

use crate::Lambda;
use crate::errors::{Failure, Outcome};
use crate::function::FunctionReference;
use crate::invocation::{self, Call, Kind, check_size, log_result, not_run};
use crate::routes::find_route;
use crate::story::Story;

/// How many parts may wait for a slow caller before the function has to wait too.
const PARTS_MAX: usize = 16;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: InvokeWithResponseStreamRequest,
) -> Outcome<InvokeWithResponseStreamResponse> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let reference = FunctionReference::parse(context, "InvokeWithResponseStream", name, qualifier)?;
    let call = Call {
        payload: input.payload,
        client_context: input.client_context,
        log_type: input.log_type,
        tenant_id: input.tenant_id,
    };
    check_size(call.payload(), Kind::RequestResponse)?;
    let route = find_route(lambda, &reference).await?;
    if input.invocation_type == Some(ResponseStreamingInvocationType::DryRun) {
        return Ok(InvokeWithResponseStreamResponse {
            status_code: Some(204),
            ..InvokeWithResponseStreamResponse::default()
        });
    }
    call.check_content()?;
    let branch = route.choose(|| lambda.ids.unit()).clone();
    let story = Story::begin(lambda, context, &reference, call.payload().len());
    let mut invocation = call.into_invocation(lambda, context, &reference, &route, &branch)?;
    let (sender, mut parts) = mpsc::channel(PARTS_MAX);
    invocation.stream = Some(sender);
    let (inner, held) = (lambda.clone(), branch.clone());
    let ended = lambda.tasks.spawn("streaming invocation", async move {
        let ended = invocation::run(&inner, invocation).await;
        if let Some(story) = story {
            story.end(&inner, &held, &ended);
        }
        ended
    });
    // Whether it runs at all is told by the status, so the answer waits for the first part or the end.
    let mut content_type = None;
    let rest = match parts.recv().await {
        Some(StreamPart::Head { content_type: sent }) => {
            content_type = Some(sent).filter(|sent| !sent.is_empty());
            Rest::Parts { first: None, parts, ended }
        }
        Some(StreamPart::Chunk(chunk)) => Rest::Parts { first: Some(chunk), parts, ended },
        None => Rest::End(outcome(ended).await.map_err(|error| not_run(lambda, error))?),
    };
    Ok(InvokeWithResponseStreamResponse {
        status_code: Some(200),
        executed_version: Some(branch.executed_version()),
        event_stream: EventStream::new(stream::unfold(rest, next_event)),
        response_stream_content_type: content_type,
    })
}

/// What is still to come.
enum Rest {
    /// More of the response.
    Parts {
        first: Option<Bytes>,
        parts: mpsc::Receiver<StreamPart>,
        ended: JoinHandle<Result<Ended, InvokeError>>,
    },
    /// The event that ends it.
    End(Ended),
    Nothing,
}

async fn outcome(ended: JoinHandle<Result<Ended, InvokeError>>) -> Result<Ended, InvokeError> {
    ended.await.unwrap_or_else(|error| Err(InvokeError::Internal(error.to_string())))
}

type Event = Result<Box<dyn Struct>, Error>;

async fn next_event(rest: Rest) -> Option<(Event, Rest)> {
    let ended = match rest {
        Rest::Nothing => return None,
        Rest::End(ended) => ended,
        Rest::Parts { first, mut parts, ended } => {
            let next = match first {
                Some(chunk) => Some(chunk),
                None => next_chunk(&mut parts).await,
            };
            if let Some(chunk) = next {
                return Some((Ok(payload_chunk(chunk)), Rest::Parts { first: None, parts, ended }));
            }
            match outcome(ended).await {
                Ok(ended) => ended,
                // It began, so it ran: only a fault of ours can end it like this.
                Err(error) => return Some((Err(Failure::Internal(error.to_string()).into()), Rest::Nothing)),
            }
        }
    };
    Some((Ok(invoke_complete(&ended)), Rest::Nothing))
}

async fn next_chunk(parts: &mut mpsc::Receiver<StreamPart>) -> Option<Bytes> {
    loop {
        match parts.recv().await? {
            StreamPart::Chunk(chunk) => return Some(chunk),
            // The head came first, and there is only one.
            StreamPart::Head { .. } => {}
        }
    }
}

fn payload_chunk(chunk: Bytes) -> Box<dyn Struct> {
    Box::new(InvokeWithResponseStreamResponseEvent {
        payload_chunk: Some(InvokeResponseStreamUpdate { payload: Some(chunk) }),
        invoke_complete: None,
    })
}

fn invoke_complete(ended: &Ended) -> Box<dyn Struct> {
    let document = || String::from_utf8_lossy(&ended.payload).into_owned();
    Box::new(InvokeWithResponseStreamResponseEvent {
        payload_chunk: None,
        invoke_complete: Some(InvokeWithResponseStreamCompleteEvent {
            error_code: ended.error.as_ref().map(|error| error.error_type.clone()),
            error_details: ended.error.as_ref().map(|_| document()),
            log_result: log_result(ended.log_tail.as_ref()),
        }),
    })
}
