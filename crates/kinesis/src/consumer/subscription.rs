//! A subscription: a shard's records as events, as they come.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::stream::{Position, Read, ReadLimits, SequenceNumber, Shard, ShardId, StreamError};
use api_kinesis::{ChildShard, SubscribeToShardEvent, SubscribeToShardEventStream};
use clock::{execution_sleep, execution_timeout};
use futures::future::BoxFuture;
use futures::stream;
use wire::{Client, Error, EventStream, Struct};

use super::subscriptions::{Ended, Seat};
use super::{Consumer, already_subscribed, consumer_missing};
use crate::description;
use crate::directory::OpenStream;
use crate::errors::{shard_missing, stream_failed};
use crate::service::Inner;

/// "for up to 5 minutes, after which time you need to call `SubscribeToShard` again" (API reference): of real time, as
/// connections are.
const LASTS: Duration = Duration::from_secs(300);
/// A client that hears nothing believes its connection dead: AWS sends events without records now and then.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// What one event carries. A larger record comes alone.
const EVENT_LIMITS: ReadLimits = ReadLimits { records: 1_000, bytes: 1 << 20 };

/// One consumer's reading of one shard.
pub(crate) struct Subscription {
    pub(crate) inner: Arc<Inner>,
    pub(crate) client: Client,
    pub(crate) consumer: Consumer,
    pub(crate) stream: Arc<OpenStream>,
    pub(crate) shard: Shard,
    pub(crate) position: Position,
    pub(crate) seat: Seat,
}

/// What happens next.
enum Next {
    /// It is over, without a word.
    Over,
    Ended(Error),
    Read(Result<Read, StreamError>),
    /// Nothing for a while.
    Silence,
}

type Event = Result<Box<dyn Struct>, Error>;

/// The subscription's events. Nothing is read before the client has taken what was read before.
pub(crate) fn events(subscription: Subscription) -> EventStream {
    let over: BoxFuture<'static, ()> = Box::pin(execution_sleep(LASTS));
    EventStream::new(stream::unfold(Some((subscription, over)), |going| async {
        let (mut subscription, mut over) = going?;
        let (event, goes_on) = subscription.next(over.as_mut()).await?;
        Some((event, goes_on.then_some((subscription, over))))
    }))
}

impl Subscription {
    /// The next event, and whether there may be more.
    async fn next(&mut self, over: Pin<&mut (impl Future<Output = ()> + ?Sized)>) -> Option<(Event, bool)> {
        let next = tokio::select! {
            biased;
            () = self.client.gone() => Next::Over,
            ended = self.seat.ended() => match ended {
                Ended::Stopped => Next::Over,
                Ended::TakenOver => Next::Ended(already_subscribed(&self.consumer.key, self.shard.id)),
                Ended::Deregistered => Next::Ended(consumer_missing(&self.consumer.key)),
            },
            () = over => Next::Over,
            next = read(&self.stream, self.shard.id, self.position) => next,
        };
        match next {
            Next::Over => None,
            Next::Ended(error) => Some((Err(error), false)),
            // All its records have expired.
            Next::Read(Err(StreamError::NoShard)) => {
                Some((Err(shard_missing(&self.stream.key, self.shard.id)), false))
            }
            Next::Read(Err(error)) => Some((Err(stream_failed(&self.stream.key, &error)), false)),
            Next::Read(Ok(read)) if read.records.is_empty() => {
                let children = self.children().await;
                Some((children.map(last_event), false))
            }
            Next::Read(Ok(read)) => {
                self.refresh().await;
                self.position = read.next;
                Some((Ok(self.event(read)), true))
            }
            Next::Silence => {
                let nothing =
                    Read { records: Vec::new(), next: self.position, is_end: false, behind: Duration::ZERO };
                Some((Ok(self.event(nothing)), true))
            }
        }
    }

    /// Encryption may have been started or stopped.
    async fn refresh(&mut self) {
        if let Ok(Some(now)) = self.inner.directory.find(&self.stream.key).await
            && now.record.id == self.stream.record.id
        {
            self.stream = now;
        }
    }

    fn event(&self, read: Read) -> Box<dyn Struct> {
        event(SubscribeToShardEvent {
            records: read
                .records
                .into_iter()
                .map(|record| description::record(&self.stream.record, record))
                .collect(),
            continuation_sequence_number: Some(continuation(&self.shard, read.next).to_string()),
            millis_behind_latest: i64::try_from(read.behind.as_millis()).unwrap_or(i64::MAX),
            child_shards: None,
        })
    }

    /// The shards that go on from this one.
    async fn children(&self) -> Result<Vec<ChildShard>, Error> {
        let shards = self.stream.stream.shards().await;
        let shards = shards.map_err(|error| stream_failed(&self.stream.key, &error))?;
        Ok(description::children(&shards, self.shard.id))
    }
}

async fn read(stream: &OpenStream, shard: ShardId, position: Position) -> Next {
    let reading = stream.stream.read_held(shard, position, EVENT_LIMITS);
    match execution_timeout(SILENCE_MAX, reading).await {
        // Virtual time does not wait for clients.
        Ok(read) => Next::Read(read.map(|(read, _hold)| read)),
        Err(_silence) => Next::Silence,
    }
}

/// The end of a closed shard: what tells it is that nothing continues (Kinesis Client Library, `FanOutRecordsPublisher`).
fn last_event(child_shards: Vec<ChildShard>) -> Box<dyn Struct> {
    event(SubscribeToShardEvent {
        records: Vec::new(),
        continuation_sequence_number: None,
        millis_behind_latest: 0,
        child_shards: Some(child_shards),
    })
}

fn event(event: SubscribeToShardEvent) -> Box<dyn Struct> {
    Box::new(SubscribeToShardEventStream {
        subscribe_to_shard_event: event,
        ..SubscribeToShardEventStream::default()
    })
}

/// A number that clients can go on after, whether or not there is a record with it.
fn continuation(shard: &Shard, position: Position) -> SequenceNumber {
    const SHARD_BITS: u128 = 32;
    let number = match position {
        Position::After(number) => number,
        Position::At(number) => {
            // The last one of this shard that is smaller.
            let same = (number.0 >> SHARD_BITS << SHARD_BITS) | u128::from(shard.id.0);
            let step = if same < number.0 { 0 } else { 1 << SHARD_BITS };
            SequenceNumber(same.saturating_sub(step))
        }
        // The shard's first number is never a record's.
        Position::TrimHorizon | Position::Latest | Position::AtTimestamp(_) => shard.starting,
    };
    number.max(shard.starting)
}
