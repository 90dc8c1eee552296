//! `ListDeadLetterSourceQueues`: the queues whose messages may go on to this one.

use api_sqs::{ListDeadLetterSourceQueuesRequest, ListDeadLetterSourceQueuesResult};
use wire::{Context, Error};

use crate::attributes::behaviour;
use crate::page::{Page, take_page};
use crate::queue_url::{self, url};
use crate::service::Inner;
use crate::tables::QueueKey;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ListDeadLetterSourceQueuesRequest,
) -> Result<ListDeadLetterSourceQueuesResult, Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let page = Page::new(input.max_results, input.next_token)?;
    let key = |name: &str| QueueKey { name: name.to_owned(), ..queue.key.clone() };
    let (names, next_token) = take_page(inner, context, &page, |name, record| {
        behaviour(record, &key(name)).redrive.is_some_and(|policy| policy.target == queue.key)
    })
    .await?;
    let urls = names.iter().map(|name| url(context, &key(name))).collect();
    Ok(ListDeadLetterSourceQueuesResult { queue_urls: Some(urls), next_token })
}
