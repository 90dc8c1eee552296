//! The consumer that a request is about: by its ARN, by its stream and its name, or by all of them.

use api_kinesis::ConsumerDescription;
use ids::Arn;
use wire::{Context, Error};

use super::consumer_missing;
use crate::errors::{access_denied, invalid, store_failed};
use crate::service::Inner;
use crate::stream_reference::{StreamReference, refuse_id};
use crate::tables::{CONSUMERS, ConsumerKey, ConsumerRecord};

/// How a request names a consumer.
#[derive(Debug, Default, Clone)]
pub(crate) struct ConsumerReference {
    pub(crate) arn: Option<String>,
    pub(crate) stream_arn: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) stream_id: Option<String>,
}

/// A consumer as it is now.
#[derive(Debug, Clone)]
pub(crate) struct Consumer {
    pub(crate) key: ConsumerKey,
    pub(crate) record: ConsumerRecord,
}

impl ConsumerReference {
    /// By its ARN alone.
    pub(crate) fn of_arn(arn: String, stream_id: Option<String>) -> Self {
        Self { arn: Some(arn), stream_id, ..Self::default() }
    }

    /// The consumer, whatever its status.
    pub(crate) async fn find(self, inner: &Inner, context: &Context) -> Result<Consumer, Error> {
        let arn = self.arn.clone();
        let key = self.key(context)?;
        let row =
            CONSUMERS.get_now(&*inner.store, &key.parts()).await.map_err(|error| store_failed(&error))?;
        // One of an earlier time is another one.
        row.map(|row| row.record)
            .filter(|record| arn.is_none_or(|arn| record.arn(&key) == arn))
            .map(|record| Consumer { record, key: key.clone() })
            .ok_or_else(|| consumer_missing(&key))
    }

    fn key(self, context: &Context) -> Result<ConsumerKey, Error> {
        let Self { arn, stream_arn, name, stream_id } = self;
        refuse_id(stream_id.as_ref())?;
        let stream = match &stream_arn {
            Some(stream) => Some(StreamReference::of_arn(stream.clone(), None).key(context)?),
            None => None,
        };
        let Some(arn) = arn else {
            let (Some(stream), Some(name)) = (stream, name) else {
                return Err(invalid(
                    "Either ConsumerARN or both StreamARN and ConsumerName must be specified.",
                ));
            };
            return Ok(ConsumerKey { stream, name });
        };
        let key = Arn::parse(&arn).ok().and_then(|arn| ConsumerKey::of_arn(&arn));
        let key = key.ok_or_else(|| invalid(format!("ConsumerARN {arn} is invalid.")))?;
        if stream.is_some_and(|stream| stream != key.stream) || name.is_some_and(|name| name != key.name) {
            return Err(invalid("ConsumerARN, StreamARN and ConsumerName do not name the same consumer."));
        }
        if key.stream.account != context.account {
            return Err(access_denied(&context.caller.arn, &arn));
        }
        if key.stream.region != context.region {
            return Err(consumer_missing(&key));
        }
        Ok(key)
    }
}

impl Consumer {
    pub(crate) fn arn(&self) -> String {
        self.record.arn(&self.key)
    }

    /// As lists and registrations show it.
    pub(crate) fn shown(&self) -> api_kinesis::Consumer {
        api_kinesis::Consumer {
            consumer_name: self.key.name.clone(),
            consumer_arn: self.arn(),
            consumer_status: self.record.status().into(),
            consumer_creation_timestamp: self.record.created,
        }
    }

    /// As its description shows it.
    pub(crate) fn description(&self) -> ConsumerDescription {
        let shown = self.shown();
        ConsumerDescription {
            consumer_name: shown.consumer_name,
            consumer_arn: shown.consumer_arn,
            consumer_status: shown.consumer_status,
            consumer_creation_timestamp: shown.consumer_creation_timestamp,
            stream_arn: self.key.stream.arn(),
        }
    }
}
