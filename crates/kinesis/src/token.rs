//! Where a list goes on, as callers hand it back: opaque to them, and good for five minutes.

use std::time::Duration;

use api_kinesis::ExpiredNextTokenException;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wire::Error;

use crate::errors::invalid;

/// "Tokens expire after 300 seconds" (API reference, `ListShards`).
const LIFETIME: Duration = Duration::from_secs(300);

#[derive(Serialize, Deserialize)]
struct Token<T> {
    made: Timestamp,
    place: T,
}

/// A token for `place`.
pub(crate) fn write<T: Serialize>(now: Timestamp, place: T) -> String {
    let token = serde_json::to_vec(&Token { made: now, place }).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(token)
}

/// What a token was made for.
pub(crate) fn read<T: DeserializeOwned>(now: Timestamp, token: &str) -> Result<T, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    let token: Token<T> = serde_json::from_slice(&bytes).map_err(|_| invalid("NextToken is invalid."))?;
    if now.saturating_since(token.made) > LIFETIME {
        let message = "The NextToken has expired: it is valid for 300 seconds.";
        return Err(ExpiredNextTokenException { message: Some(message.to_owned()) }.into());
    }
    Ok(token.place)
}
