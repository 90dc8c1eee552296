//! Queue URLs: `ENDPOINT/ACCOUNT/NAME`.

use ids::AccountId;
use wire::{Context, Error};

use crate::directory::OpenQueue;
use crate::errors::{access_denied, missing, queue_missing};
use crate::service::Inner;
use crate::tables::QueueKey;

/// The URL of a queue, at the endpoint as this caller addresses it.
pub(crate) fn url(context: &Context, key: &QueueKey) -> String {
    format!("{}/{}/{}", context.endpoint, key.account, key.name)
}

/// The account and the name that a URL ends with. The host says nothing: clients reach us by many names. The account may
/// be missing, as in `http://localhost:9324/queue/NAME`.
fn parse(url: &str) -> (Option<AccountId>, &str) {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let mut segments = path.trim_end_matches('/').rsplit('/');
    let name = segments.next().unwrap_or_default();
    (segments.next().and_then(|account| AccountId::parse(account).ok()), name)
}

/// The queue that a request is about.
pub(crate) async fn find(
    inner: &Inner,
    context: &Context,
    url: Option<String>,
) -> Result<std::sync::Arc<OpenQueue>, Error> {
    let Some(url) = url.filter(|url| !url.is_empty()) else { return Err(missing("QueueUrl")) };
    let (account, name) = parse(&url);
    if account.is_some_and(|account| account != context.account) {
        return Err(access_denied(&url));
    }
    inner.directory.find(&context.account, &context.region, name).await?.ok_or_else(queue_missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_alone_says_which_queue() {
        for url in [
            "http://127.0.0.1:4566/000000000000/q.fifo",
            "https://sqs.eu-central-1.amazonaws.com/000000000000/q.fifo",
            "http://eu-central-1.queue.localhost:4566/000000000000/q.fifo",
            "http://localhost:4566/queue/eu-central-1/000000000000/q.fifo/",
            "/000000000000/q.fifo",
        ] {
            let (account, name) = parse(url);
            assert_eq!(
                (account.as_ref().map(AccountId::as_str), name),
                (Some("000000000000"), "q.fifo"),
                "{url}"
            );
        }
        assert_eq!(parse("http://localhost:9324/queue/q"), (None, "q"));
        assert_eq!(parse("q"), (None, "q"));
        assert_eq!(parse("http://localhost"), (None, "localhost"));
    }
}
