//! `ListStreams`.

use api_kinesis::{ListStreamsInput, ListStreamsOutput, StreamSummary};
use wire::{Context, Error};

use crate::errors::invalid;
use crate::service::Inner;
use crate::tables::StreamKey;
use crate::{description, token};

/// "at most 100 results are returned" (API reference).
const STREAMS_MAX: usize = 100;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ListStreamsInput,
) -> Result<ListStreamsOutput, Error> {
    let limit = input.limit.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(STREAMS_MAX).min(STREAMS_MAX);
    let after: Option<String> = match (input.next_token, input.exclusive_start_stream_name) {
        (Some(_), Some(_)) => {
            return Err(invalid("NextToken and ExclusiveStartStreamName cannot be provided together."));
        }
        (Some(token), None) => Some(token::read(inner.clock.now(), &token)?),
        (None, after) => after,
    };
    let (account, region) = (&context.account, &context.region);
    let after = after.map(|name| StreamKey { account: account.clone(), region: region.clone(), name });
    let mut page = inner.directory.list(Some((account, region)), after.as_ref(), limit + 1).await?;
    let has_more_streams = page.len() > limit;
    page.truncate(limit);
    let next_token =
        page.last().filter(|_| has_more_streams).map(|(last, _)| token::write(inner.clock.now(), &last.name));
    let summaries = page.iter().map(|(key, record)| StreamSummary {
        stream_name: key.name.clone(),
        stream_arn: key.arn(),
        stream_status: record.status().into(),
        stream_mode_details: Some(description::mode(record.mode)),
        stream_creation_timestamp: Some(record.created),
    });
    Ok(ListStreamsOutput {
        stream_summaries: Some(summaries.collect()),
        stream_names: page.into_iter().map(|(key, _)| key.name).collect(),
        has_more_streams,
        next_token,
    })
}
