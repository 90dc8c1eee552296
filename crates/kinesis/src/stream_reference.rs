//! The stream that a request is about: by its name, by its ARN, or by both.

use std::sync::Arc;

use ids::Arn;
use wire::{Context, Error};

use crate::directory::OpenStream;
use crate::errors::{access_denied, invalid, stream_missing};
use crate::service::Inner;
use crate::tables::StreamKey;

/// How a request names a stream.
#[derive(Debug, Default)]
pub(crate) struct StreamReference {
    pub(crate) name: Option<String>,
    pub(crate) arn: Option<String>,
    pub(crate) id: Option<String>,
}

/// A request's members that name a stream.
macro_rules! reference {
    ($input:ident) => {
        $crate::stream_reference::StreamReference {
            name: $input.stream_name.take(),
            arn: $input.stream_arn.take(),
            id: $input.stream_id.take(),
        }
    };
}

pub(crate) use reference;

/// "Not Implemented. Reserved for future use." (API reference)
pub(crate) fn refuse_id(id: Option<&String>) -> Result<(), Error> {
    id.map_or(Ok(()), |_| Err(Error::unsupported("InvalidArgumentException", "StreamId")))
}

impl StreamReference {
    /// For operations that know no name.
    pub(crate) fn of_arn(arn: String, id: Option<String>) -> Self {
        Self { name: None, arn: Some(arn), id }
    }

    /// Which stream is meant; it need not exist.
    pub(crate) fn key(&self, context: &Context) -> Result<StreamKey, Error> {
        refuse_id(self.id.as_ref())?;
        let Some(arn) = &self.arn else {
            let missing = || invalid("Either StreamARN or StreamName must be specified.");
            let name = self.name.clone().ok_or_else(missing)?;
            return Ok(StreamKey { account: context.account.clone(), region: context.region.clone(), name });
        };
        let key =
            Arn::parse(arn).ok().and_then(|arn| StreamKey::of_arn(&arn)).filter(|key| key.arn() == *arn);
        let key = key.ok_or_else(|| invalid(format!("StreamARN {arn} is invalid.")))?;
        if self.name.as_ref().is_some_and(|name| *name != key.name) {
            return Err(invalid(format!(
                "StreamARN {arn} and StreamName {} do not name the same stream.",
                self.name.as_deref().unwrap_or_default()
            )));
        }
        if key.account != context.account {
            return Err(access_denied(&context.caller.arn, arn));
        }
        if key.region != context.region {
            return Err(stream_missing(&key));
        }
        Ok(key)
    }

    /// The stream, whatever its status.
    pub(crate) async fn find(&self, inner: &Inner, context: &Context) -> Result<Arc<OpenStream>, Error> {
        let key = self.key(context)?;
        inner.directory.find(&key).await?.ok_or_else(|| stream_missing(&key))
    }

    /// The stream, when what is being done to it is done, or has taken a while.
    pub(crate) async fn find_settled(
        &self,
        inner: &Inner,
        context: &Context,
    ) -> Result<Arc<OpenStream>, Error> {
        let key = self.key(context)?;
        inner.directory.find_settled(&key).await?.ok_or_else(|| stream_missing(&key))
    }

    /// The stream, if records can be put and got.
    pub(crate) async fn find_usable(
        &self,
        inner: &Inner,
        context: &Context,
    ) -> Result<Arc<OpenStream>, Error> {
        let open = self.find(inner, context).await?;
        // Recorded by a public test suite: a stream that is being made is not there yet for records.
        if open.record.is_usable() { Ok(open) } else { Err(stream_missing(&open.key)) }
    }
}
