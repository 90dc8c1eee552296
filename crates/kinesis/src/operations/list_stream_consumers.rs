//! `ListStreamConsumers`.

use api_kinesis::{ListStreamConsumersInput, ListStreamConsumersOutput};
use wire::{Context, Error};

use crate::errors::{invalid, stream_missing};
use crate::service::Inner;
use crate::stream_reference::StreamReference;
use crate::{consumer, token};

/// "at most 100 results are returned" (API reference).
const RESULTS_MAX: usize = 100;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ListStreamConsumersInput,
) -> Result<ListStreamConsumersOutput, Error> {
    let open = StreamReference::of_arn(input.stream_arn, input.stream_id).find(inner, context).await?;
    if input.next_token.is_some() && input.stream_creation_timestamp.is_some() {
        return Err(invalid("NextToken and StreamCreationTimestamp cannot be provided together."));
    }
    let created = open.record.created.as_secs();
    if input.stream_creation_timestamp.is_some_and(|other| other.as_secs() != created) {
        return Err(stream_missing(&open.key));
    }
    let after: Option<String> = match input.next_token {
        Some(token) => Some(read_token(inner, &open.key.arn(), &token)?),
        None => None,
    };
    let limit = input.max_results.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(RESULTS_MAX).min(RESULTS_MAX);
    let mut consumers = consumer::all(inner, &open.key).await?;
    consumers.retain(|consumer| after.as_ref().is_none_or(|after| consumer.key.name > *after));
    let has_more = consumers.len() > limit;
    consumers.truncate(limit);
    let last = consumers.last().filter(|_| has_more);
    let next_token =
        last.map(|last| token::write(inner.clock.now(), (open.key.arn(), last.key.name.as_str())));
    Ok(ListStreamConsumersOutput {
        consumers: Some(consumers.iter().map(consumer::Consumer::shown).collect()),
        next_token,
    })
}

/// The name that the list goes on after.
fn read_token(inner: &Inner, stream_arn: &str, token: &str) -> Result<String, Error> {
    let (arn, after): (String, String) = token::read(inner.clock.now(), token)?;
    if arn == stream_arn { Ok(after) } else { Err(invalid("NextToken is that of another stream.")) }
}
