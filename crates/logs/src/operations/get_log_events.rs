//! `GetLogEvents`: one stream, page by page, in either direction.

use api_logs::{GetLogEventsRequest, GetLogEventsResponse, OutputLogEvent};
use store::Snapshot;
use wire::{Context, Error};

use super::{PAGE_BYTES_MAX, PAGE_EVENTS_MAX, page_limit};
use crate::errors::{store_failed, token_invalid};
use crate::event::{Event, Place, size_bytes};
use crate::group::{find, find_stream, name_of, snapshot};
use crate::reader::{Direction, Range, StreamReader};
use crate::service::Inner;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: GetLogEventsRequest,
) -> Result<GetLogEventsResponse, Error> {
    let group_name = name_of(context, input.log_group_name, input.log_group_identifier)?;
    let snapshot = snapshot(inner).await?;
    let group = find(context, &*snapshot, &group_name).await?.record;
    let stream = find_stream(&*snapshot, group.id, &input.log_stream_name).await?.record;

    let expired_before_ms = group.expired_before_ms(inner.clock.now()).unwrap_or(i64::MIN);
    let mut range = Range {
        from: Place::start_of(input.start_time.unwrap_or(0).max(expired_before_ms)),
        // "Events with a timestamp equal to or later than this time are not included" (API reference).
        to: Place::start_of(input.end_time.unwrap_or(i64::MAX)),
        direction: match input.start_from_head {
            Some(true) => Direction::Forward,
            _ => Direction::Backward,
        },
    };
    let boundary = match &input.next_token {
        Some(token) => {
            let (direction, boundary) = read_token(token)?;
            range.direction = direction;
            match direction {
                Direction::Forward => range.from = range.from.max(boundary),
                Direction::Backward => range.to = range.to.min(boundary),
            }
            boundary
        }
        None => range.from,
    };
    let reader = StreamReader::new(group.id, stream.id, range);
    let mut events = read_page(&*snapshot, reader, page_limit(input.limit, PAGE_EVENTS_MAX)).await?;
    if range.direction == Direction::Backward {
        events.reverse();
    }
    // Where nothing was found both tokens lead on from the same place: so the one that came in comes back, which
    // tells the client that it has reached the end.
    let backward = events.first().map_or(boundary, |event| event.place);
    let forward = events.last().map_or(boundary, |event| event.place.behind());
    Ok(GetLogEventsResponse {
        events: Some(events.into_iter().map(show).collect()),
        next_forward_token: Some(format!("f/{}/s", forward.id())),
        next_backward_token: Some(format!("b/{}/s", backward.id())),
    })
}

async fn read_page(
    snapshot: &dyn Snapshot,
    mut reader: StreamReader,
    limit: usize,
) -> Result<Vec<Event>, Error> {
    let mut events: Vec<Event> = Vec::new();
    let mut bytes = 0;
    while events.len() < limit {
        let Some(event) = reader.next(snapshot).await.map_err(|error| store_failed(&error))? else { break };
        bytes += size_bytes(&event.message);
        if bytes > PAGE_BYTES_MAX && !events.is_empty() {
            break;
        }
        events.push(event);
    }
    Ok(events)
}

/// `f/ID/s` leads to the events from that boundary on, `b/ID/s` to those before it.
fn read_token(token: &str) -> Result<(Direction, Place), Error> {
    let (direction, rest) = match token.split_once('/') {
        Some(("f", rest)) => (Direction::Forward, rest),
        Some(("b", rest)) => (Direction::Backward, rest),
        _ => return Err(token_invalid()),
    };
    let place = rest.strip_suffix("/s").and_then(Place::parse).ok_or_else(token_invalid)?;
    Ok((direction, place))
}

fn show(event: Event) -> OutputLogEvent {
    OutputLogEvent {
        timestamp: Some(event.place.timestamp_ms),
        message: Some(event.message),
        ingestion_time: Some(event.ingested_ms),
    }
}
