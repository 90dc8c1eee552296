//! `FilterLogEvents`: many streams of a group, interleaved by time, and only what a pattern matches.

use api_logs::{FilterLogEventsRequest, FilterLogEventsResponse, FilteredLogEvent};
use store::{Snapshot, TableError, prefix_end};
use wire::{Context, Error};

use super::{PAGE_BYTES_MAX, PAGE_EVENTS_MAX, page_limit};
use crate::errors::{invalid, store_failed, token_invalid};
use crate::event::{Event, Place, size_bytes};
use crate::filter_pattern::FilterPattern;
use crate::group::{find, find_stream, name_of, snapshot};
use crate::reader::{Direction, GroupReader, Range, Source};
use crate::service::Inner;
use crate::tables::{RECENT, STREAMS, Stream};

/// How much a request looks through before it answers with what it has and a token: a search must not hold on to
/// one request for as long as a group is large.
const SEARCHED_BYTES_MAX: usize = 16 << 20;

/// How many streams are listed at once.
const STREAMS_PAGE: usize = 256;

/// 2024-01-01T00:00:00Z: "setting startFromHead to false is supported only when startTime is on or after" it (API
/// reference, `FilterLogEvents`).
const BACKWARD_SINCE_MS: i64 = 1_704_067_200_000;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: FilterLogEventsRequest,
) -> Result<FilterLogEventsResponse, Error> {
    if input.log_stream_names.is_some() && input.log_stream_name_prefix.is_some() {
        return Err(invalid("LogStream names and LogStream name prefix are mutually exclusive parameters."));
    }
    let pattern = FilterPattern::parse(input.filter_pattern.as_deref().unwrap_or_default())
        .map_err(|error| invalid(error.to_string()))?;
    let mut range = asked_range(&input)?;
    let limit = page_limit(input.limit, PAGE_EVENTS_MAX);
    let group_name = name_of(context, input.log_group_name, input.log_group_identifier)?;

    let snapshot = snapshot(inner).await?;
    let group = find(context, &*snapshot, &group_name).await?.record;
    if let Some(expired_before_ms) = group.expired_before_ms(inner.clock.now()) {
        range.from = range.from.max(Place::start_of(expired_before_ms));
    }
    let sources = match (input.log_stream_names, input.log_stream_name_prefix) {
        (Some(names), _) => named(&*snapshot, group.id, names).await?,
        (None, Some(prefix)) => {
            prefixed(&*snapshot, group.id, &prefix).await.map_err(|error| store_failed(&error))?
        }
        (None, None) => recent(&*snapshot, group.id, &range).await.map_err(|error| store_failed(&error))?,
    };
    let reader = GroupReader::new(group.id, sources, range);
    let (events, next) = search(&*snapshot, reader, &pattern, limit).await?;
    Ok(FilterLogEventsResponse {
        events: Some(events),
        // "As of May 15, 2020, this parameter is no longer supported": the list is empty (API reference).
        searched_log_streams: Some(Vec::new()),
        next_token: next.map(|last| token(range.direction, last)),
    })
}

fn asked_range(input: &FilterLogEventsRequest) -> Result<Range, Error> {
    let start_ms = input.start_time.unwrap_or(0);
    let direction =
        if input.start_from_head == Some(false) { Direction::Backward } else { Direction::Forward };
    let mut range = Range {
        from: Place::start_of(start_ms),
        // "Events with a timestamp later than this time are not returned" (API reference): it is included.
        to: Place::start_of(input.end_time.unwrap_or(i64::MAX).saturating_add(1)),
        direction,
    };
    if let Some(token) = &input.next_token {
        let (direction, last) = read_token(token)?;
        range.direction = direction;
        match direction {
            Direction::Forward => range.from = range.from.max(last.behind()),
            Direction::Backward => range.to = range.to.min(last),
        }
    } else if direction == Direction::Backward && start_ms < BACKWARD_SINCE_MS {
        return Err(invalid(
            "startFromHead set to false is supported only when startTime is on or after Jan 1, 2024 00:00:00 UTC.",
        ));
    }
    Ok(range)
}

async fn named(snapshot: &dyn Snapshot, group: u64, names: Vec<String>) -> Result<Vec<Source>, Error> {
    let mut sources: Vec<Source> = Vec::new();
    for name in names {
        if !sources.iter().any(|source| source.name == name) {
            let stream = find_stream(snapshot, group, &name).await?.record;
            sources.push(Source { name, stream });
        }
    }
    Ok(sources)
}

async fn prefixed(snapshot: &dyn Snapshot, group: u64, prefix: &str) -> Result<Vec<Source>, TableError> {
    let mut from = STREAMS.key(&[group.into(), prefix.into()]);
    let end = prefix_end(&STREAMS.key(&[group.into()]));
    let mut sources = Vec::new();
    loop {
        let rows = STREAMS.scan(snapshot, &from, &end, STREAMS_PAGE, false).await?;
        let Some(last) = rows.last() else { return Ok(sources) };
        from = [&last.key[..], &[0]].concat().into();
        for row in rows {
            let mut reader = STREAMS.read_key(&row.key)?;
            let _group = reader.u64()?;
            let name = reader.str()?;
            if !name.starts_with(prefix) {
                return Ok(sources);
            }
            sources.push(Source { name, stream: row.record });
        }
    }
}

/// The streams whose newest event is not before the range.
async fn recent(snapshot: &dyn Snapshot, group: u64, range: &Range) -> Result<Vec<Source>, TableError> {
    let mut from = RECENT.key(&[group.into(), range.from.timestamp_ms.into()]);
    let end = prefix_end(&RECENT.key(&[group.into()]));
    let mut sources = Vec::new();
    loop {
        let rows = RECENT.scan(snapshot, &from, &end, STREAMS_PAGE, false).await?;
        let Some(last) = rows.last() else { return Ok(sources) };
        from = [&last.key[..], &[0]].concat().into();
        for row in rows {
            let mut reader = RECENT.read_key(&row.key)?;
            let (_group, _ms) = (reader.u64()?, reader.i64()?);
            let name = reader.str()?;
            let stream: Option<Stream> =
                STREAMS.get(snapshot, &[group.into(), (&name).into()]).await?.map(|row| row.record);
            sources.extend(stream.map(|stream| Source { name, stream }));
        }
    }
}

/// The events that match, and, when there may be more, the last one that was looked at.
async fn search(
    snapshot: &dyn Snapshot,
    mut reader: GroupReader,
    pattern: &FilterPattern,
    limit: usize,
) -> Result<(Vec<FilteredLogEvent>, Option<Place>), Error> {
    let (mut events, mut bytes, mut searched, mut last) = (Vec::new(), 0, 0, None);
    while let Some((name, event)) = reader.next(snapshot).await.map_err(|error| store_failed(&error))? {
        let size = size_bytes(&event.message);
        let matches = pattern.matches(&event.message);
        let is_full = matches && (events.len() == limit || (bytes + size > PAGE_BYTES_MAX && bytes > 0));
        if is_full || searched > SEARCHED_BYTES_MAX {
            return Ok((events, last));
        }
        searched += size;
        last = Some(event.place);
        if matches {
            bytes += size;
            events.push(show(name, event));
        }
    }
    Ok((events, None))
}

fn show(name: String, event: Event) -> FilteredLogEvent {
    FilteredLogEvent {
        log_stream_name: Some(name),
        timestamp: Some(event.place.timestamp_ms),
        event_id: Some(event.place.id()),
        message: Some(event.message),
        ingestion_time: Some(event.ingested_ms),
    }
}

fn token(direction: Direction, last: Place) -> String {
    let direction = if direction == Direction::Forward { "f" } else { "b" };
    crate::page_token::encode(&format!("{direction}/{}", last.id()))
}

fn read_token(token: &str) -> Result<(Direction, Place), Error> {
    let text = crate::page_token::decode(token)?;
    let (direction, id) = text.split_once('/').ok_or_else(token_invalid)?;
    let direction = match direction {
        "f" => Direction::Forward,
        "b" => Direction::Backward,
        _ => return Err(token_invalid()),
    };
    Ok((direction, Place::parse(id).ok_or_else(token_invalid)?))
}
