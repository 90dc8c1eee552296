//! `DescribeLogStreams`.

use api_logs::{DescribeLogStreamsRequest, DescribeLogStreamsResponse, LogStream, OrderBy};
use store::{Bytes, Snapshot, StoreError, TableError, prefix_end};
use wire::{Context, Error};

use super::{DESCRIBED_MAX, page_limit};
use crate::errors::{invalid, store_failed, token_invalid};
use crate::group::{arn, find, name_of, snapshot};
use crate::page_token;
use crate::service::Inner;
use crate::tables::{RECENT, STREAMS, Stream};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: DescribeLogStreamsRequest,
) -> Result<DescribeLogStreamsResponse, Error> {
    let by_time = input.order_by == Some(OrderBy::LastEventTime);
    if by_time && input.log_stream_name_prefix.is_some() {
        return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let group_name = name_of(context, input.log_group_name, input.log_group_identifier)?;
    let snapshot = snapshot(inner).await?;
    let group = find(context, &*snapshot, &group_name).await?.record.id;

    let limit = page_limit(input.limit, DESCRIBED_MAX);
    let page = Page {
        group,
        prefix: input.log_stream_name_prefix.unwrap_or_default(),
        after: input.next_token.as_deref().map(page_token::decode).transpose()?,
        is_descending: input.descending == Some(true),
        // One more tells whether there is another page.
        limit: limit + 1,
    };
    let mut streams = if by_time {
        page.by_time(&*snapshot).await?
    } else {
        page.by_name(&*snapshot).await.map_err(|error| store_failed(&error))?
    };
    let has_more = streams.len() > limit;
    streams.truncate(limit);
    let next_token = streams.last().filter(|_| has_more).map(|(name, stream)| {
        let position = if by_time { format!("{}/{name}", stream.recency()) } else { name.clone() };
        page_token::encode(&position)
    });
    let arn = arn(context, &group_name);
    let log_streams = streams.into_iter().map(|(name, stream)| describe(&arn, name, &stream)).collect();
    Ok(DescribeLogStreamsResponse { log_streams: Some(log_streams), next_token })
}

struct Page {
    group: u64,
    prefix: String,
    after: Option<String>,
    is_descending: bool,
    limit: usize,
}

impl Page {
    async fn by_name(&self, snapshot: &dyn Snapshot) -> Result<Vec<(String, Stream)>, TableError> {
        let from = STREAMS.key(&[self.group.into(), (&self.prefix).into()]);
        // Without the byte that ends a text, a key is the beginning of the keys of all longer texts, too.
        let to = prefix_end(&from[..from.len() - 1]);
        let after = self.after.as_ref().map(|name| STREAMS.key(&[self.group.into(), name.into()]));
        let (from, to) = self.narrow(from, to, after);
        let rows = STREAMS.scan(snapshot, &from, &to, self.limit, self.is_descending).await?;
        rows.into_iter()
            .map(|row| {
                let mut reader = STREAMS.read_key(&row.key)?;
                let _group = reader.u64()?;
                Ok((reader.str()?, row.record))
            })
            .collect()
    }

    async fn by_time(&self, snapshot: &dyn Snapshot) -> Result<Vec<(String, Stream)>, Error> {
        let from = RECENT.key(&[self.group.into()]);
        let to = prefix_end(&from);
        let after = match &self.after {
            Some(position) => {
                let (ms, name) = position.split_once('/').ok_or_else(token_invalid)?;
                let ms: i64 = ms.parse().map_err(|_| token_invalid())?;
                Some(RECENT.key(&[self.group.into(), ms.into(), name.into()]))
            }
            None => None,
        };
        let (from, to) = self.narrow(from, to, after);
        self.read_recent(snapshot, &from, &to).await.map_err(|error| store_failed(&error))
    }

    async fn read_recent(
        &self,
        snapshot: &dyn Snapshot,
        from: &[u8],
        to: &[u8],
    ) -> Result<Vec<(String, Stream)>, TableError> {
        let mut streams = Vec::new();
        for row in RECENT.scan(snapshot, from, to, self.limit, self.is_descending).await? {
            let mut reader = RECENT.read_key(&row.key)?;
            let (_group, _ms) = (reader.u64()?, reader.i64()?);
            let name = reader.str()?;
            let stream = STREAMS
                .get(snapshot, &[self.group.into(), (&name).into()])
                .await?
                .ok_or_else(|| StoreError::Damaged("a log stream stands in one index only".to_owned()))?;
            streams.push((name, stream.record));
        }
        Ok(streams)
    }

    /// Goes on after (in this direction) the last one of the page before.
    fn narrow(&self, from: Bytes, to: Bytes, after: Option<Bytes>) -> (Bytes, Bytes) {
        match after {
            None => (from, to),
            Some(after) if self.is_descending => (from, to.min(after)),
            Some(after) => (from.max([&after[..], &[0]].concat().into()), to),
        }
    }
}

fn describe(group_arn: &str, name: String, stream: &Stream) -> LogStream {
    LogStream {
        arn: Some(format!("{group_arn}:log-stream:{name}")),
        log_stream_name: Some(name),
        creation_time: Some(stream.created_ms),
        first_event_timestamp: stream.first_event_ms,
        last_event_timestamp: stream.last_event_ms,
        last_ingestion_time: stream.last_ingestion_ms,
        upload_sequence_token: Some(super::put_log_events::sequence_token(stream.next_sequence)),
        // "As of June 17, 2019, this parameter is no longer supported for log streams, and is always reported as
        // zero" (API reference, LogStream).
        stored_bytes: Some(0),
    }
}
