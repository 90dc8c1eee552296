//! Pages of lists, and the tokens that say where one ended.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use store::{Record, Row};

use crate::errors::{Outcome, invalid};

/// "Each call returns a limited list, up to 100" (API reference, `ListTopics`).
pub(crate) const PAGE_LENGTH: usize = 100;

/// The key after which the page of this token begins; the prefix must be its list's.
///
/// # Errors
/// `InvalidParameter`.
pub(crate) fn read_token(token: Option<&str>, prefix: &[u8]) -> Outcome<Option<Vec<u8>>> {
    let wrong = || invalid("NextToken Reason: The token is not valid.");
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
    let rest = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
    Ok(Some([prefix, &rest].concat()))
}

/// The token of the page after these rows, of which there are one too many if there is one.
pub(crate) fn cut<R: Record>(rows: &mut Vec<Row<R>>, prefix: &[u8]) -> Option<String> {
    if rows.len() <= PAGE_LENGTH {
        return None;
    }
    rows.truncate(PAGE_LENGTH);
    let last = rows.last()?;
    Some(URL_SAFE_NO_PAD.encode(last.key.strip_prefix(prefix)?))
}
