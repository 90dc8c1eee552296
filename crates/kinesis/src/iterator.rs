//! Shard iterators: opaque to callers, sealed against what they might make of them, and good for five minutes.

use std::time::Duration;

use api_kinesis::ExpiredIteratorException;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clock::Timestamp;
use hmac::{Hmac, Mac};
use ids::{AccountId, Region};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use stream::{Position, ShardId, StreamId};
use wire::Error;

use crate::errors::invalid;
use crate::tables::StreamKey;

/// "A shard iterator expires 5 minutes after it is returned to the requester" (API reference).
const LIFETIME: Duration = Duration::from_secs(300);
/// The seal's length; half of the digest will do.
const SEAL_BYTES: usize = 16;

/// Where a reader stands in a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Iterator {
    pub(crate) key: StreamKey,
    pub(crate) shard: ShardId,
    pub(crate) position: Position,
    pub(crate) made: Timestamp,
}

/// As it is written. The names are short: an iterator has at most 512 letters.
#[derive(Serialize, Deserialize)]
struct Written<'a>(&'a str, &'a str, &'a str, ShardId, Place, i64);

#[derive(Serialize, Deserialize)]
enum Place {
    #[serde(rename = "h")]
    TrimHorizon,
    #[serde(rename = "l")]
    Latest,
    #[serde(rename = "t")]
    AtTimestamp(i64),
    #[serde(rename = "i")]
    At(u128),
    #[serde(rename = "a")]
    After(u128),
}

/// An iterator that has not proven to be one of ours yet.
#[derive(Debug)]
pub(crate) struct Sealed {
    /// What it says.
    pub(crate) iterator: Iterator,
    bytes: Vec<u8>,
    seal: Vec<u8>,
}

impl Iterator {
    /// As the caller gets it. The stream's id, which nobody is told, is the seal's key: it is good for this stream alone,
    /// and not for another one of the same name.
    pub(crate) fn seal(&self, id: &StreamId) -> String {
        let place = match self.position {
            Position::TrimHorizon => Place::TrimHorizon,
            Position::Latest => Place::Latest,
            Position::AtTimestamp(at) => Place::AtTimestamp(at.as_micros()),
            Position::At(number) => Place::At(number.0),
            Position::After(number) => Place::After(number.0),
        };
        let StreamKey { account, region, name } = &self.key;
        let written =
            Written(account.as_str(), region.as_str(), name, self.shard, place, self.made.as_micros());
        // It is made of texts and numbers: it can be written.
        let mut bytes = serde_json::to_vec(&written).unwrap_or_default();
        let seal = mac(id, &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&seal[..SEAL_BYTES]);
        STANDARD.encode(bytes)
    }

    /// Whether it is not too old.
    pub(crate) fn check_age(&self, now: Timestamp) -> Result<(), Error> {
        if now.saturating_since(self.made) <= LIFETIME {
            return Ok(());
        }
        let message = format!(
            "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the future \
             than the tolerated delay of {} milliseconds.",
            date(self.made),
            date(now),
            LIFETIME.as_millis()
        );
        Err(ExpiredIteratorException { message: Some(message) }.into())
    }
}

/// Reads what a caller handed back.
pub(crate) fn read(text: &str) -> Result<Sealed, Error> {
    open(text).ok_or_else(invalid_iterator)
}

fn open(text: &str) -> Option<Sealed> {
    let mut bytes = STANDARD.decode(text).ok()?;
    let seal = bytes.split_off(bytes.len().checked_sub(SEAL_BYTES)?);
    let Written(account, region, name, shard, place, made) = serde_json::from_slice(&bytes).ok()?;
    let key = StreamKey {
        account: AccountId::parse(account).ok()?,
        region: Region::parse(region).ok()?,
        name: name.to_owned(),
    };
    let position = match place {
        Place::TrimHorizon => Position::TrimHorizon,
        Place::Latest => Position::Latest,
        Place::AtTimestamp(micros) => Position::AtTimestamp(Timestamp::from_micros(micros)),
        Place::At(number) => Position::At(stream::SequenceNumber(number)),
        Place::After(number) => Position::After(stream::SequenceNumber(number)),
    };
    let iterator = Iterator { key, shard, position, made: Timestamp::from_micros(made) };
    Some(Sealed { iterator, bytes, seal })
}

impl Sealed {
    /// The iterator, if it was made for this stream.
    pub(crate) fn check(self, id: &StreamId) -> Result<Iterator, Error> {
        mac(id, &self.bytes).verify_truncated_left(&self.seal).map_err(|_| invalid_iterator())?;
        Ok(self.iterator)
    }
}

pub(crate) fn invalid_iterator() -> Error {
    invalid("Invalid ShardIterator.")
}

fn mac(id: &StreamId, bytes: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(id.0.as_bytes()).expect("a key of any length");
    mac.update(bytes);
    mac
}

/// `Thu Jan 22 01:22:02 UTC 2015`.
fn date(at: Timestamp) -> String {
    let http = at.http_date();
    let parts: Vec<&str> = http.split([' ', ',']).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [weekday, day, month, year, time, _zone] => format!("{weekday} {month} {day} {time} UTC {year}"),
        _ => http,
    }
}

#[cfg(test)]
mod tests;
