//! Tokens that say where a page ended. They look opaque, and whoever makes one up is told so.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::Error;

use crate::errors::token_invalid;

/// A token for what `position` says.
pub(crate) fn encode(position: &str) -> String {
    URL_SAFE_NO_PAD.encode(position)
}

/// What [`encode`] was given.
pub(crate) fn decode(token: &str) -> Result<String, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| token_invalid())?;
    String::from_utf8(bytes).map_err(|_| token_invalid())
}
