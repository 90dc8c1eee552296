//! Pages of queues.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::{Context, Error};

use crate::errors::{invalid, invalid_value};
use crate::service::Inner;
use crate::tables::QueueRecord;

/// The most queues on a page, and how many there are when the caller does not say ("ListQueues" in the API reference).
const RESULTS_MAX: usize = 1_000;
/// Records that are read at a time.
const ROWS: usize = 500;

/// What page is asked for.
#[derive(Debug)]
pub(crate) struct Page {
    limit: usize,
    after: Option<String>,
    /// Only who sets the size of a page hears of the next one.
    goes_on: bool,
}

impl Page {
    pub(crate) fn new(max_results: Option<i32>, token: Option<String>) -> Result<Self, Error> {
        let limit = match max_results {
            None => RESULTS_MAX,
            Some(count) => {
                let limit = usize::try_from(count).ok().filter(|limit| (1..=RESULTS_MAX).contains(limit));
                limit.ok_or_else(|| {
                    invalid_value(count, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
                })?
            }
        };
        let after = token.map(|token| read_token(&token)).transpose()?;
        Ok(Self { limit, after, goes_on: max_results.is_some() })
    }
}

fn read_token(token: &str) -> Result<String, Error> {
    let name = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| invalid("Invalid or expired next token."))
}

/// The names of the queues on the page that are wanted, and the token of the next page.
pub(crate) async fn take_page(
    inner: &Inner,
    context: &Context,
    page: &Page,
    is_wanted: impl Fn(&str, &QueueRecord) -> bool,
) -> Result<(Vec<String>, Option<String>), Error> {
    let mut after = page.after.clone();
    let mut names: Vec<String> = Vec::new();
    loop {
        let rows = inner.directory.list(&context.account, &context.region, after.as_deref(), ROWS).await?;
        let Some((last, _)) = rows.last() else { return Ok((names, None)) };
        after = Some(last.clone());
        for (name, record) in rows {
            if !is_wanted(&name, &record) {
                continue;
            }
            if names.len() == page.limit {
                let token = names.last().map(|last| URL_SAFE_NO_PAD.encode(last));
                return Ok((names, token.filter(|_| page.goes_on)));
            }
            names.push(name);
        }
    }
}
