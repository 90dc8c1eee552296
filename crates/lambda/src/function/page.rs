//! Pages of lists.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::errors::{Outcome, invalid_parameter};

/// AWS Lambda API reference, `ListFunctions`: "returns a maximum of 50 items in each response, even if you set the
/// number higher".
const PAGE_MAX: usize = 50;

/// How many items a page has.
pub(crate) fn page_size(max_items: Option<i32>) -> usize {
    page_size_of_at_most(max_items, PAGE_MAX)
}

/// How many items a page has of an operation with a limit of its own.
pub(crate) fn page_size_of_at_most(max_items: Option<i32>, most: usize) -> usize {
    max_items.and_then(|items| usize::try_from(items).ok()).map_or(most, |items| items.clamp(1, most))
}

/// Where the page before ended: at a name, and at a version of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Marker {
    pub(crate) name: String,
    /// 0 after `$LATEST`.
    pub(crate) number: u64,
}

impl Marker {
    /// As it is handed out.
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{}", self.name, self.number))
    }

    /// Reads what was handed out.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for anything else.
    pub(crate) fn decode(text: Option<&str>) -> Outcome<Option<Self>> {
        let Some(text) = text else { return Ok(None) };
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let marker = decoded.as_deref().and_then(|decoded| {
            let (name, number) = decoded.rsplit_once(':')?;
            Some(Self { name: name.to_owned(), number: number.parse().ok()? })
        });
        match marker {
            Some(marker) => Ok(Some(marker)),
            None => Err(invalid_parameter(format!("Invalid pagination token: {text}"))),
        }
    }
}
