//! `ListQueues`.

use api_sqs::{ListQueuesRequest, ListQueuesResult};
use wire::{Context, Error};

use crate::batch::unless_empty;
use crate::page::{Page, take_page};
use crate::queue_url::url;
use crate::service::Inner;
use crate::tables::QueueKey;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ListQueuesRequest,
) -> Result<ListQueuesResult, Error> {
    let page = Page::new(input.max_results, input.next_token)?;
    let prefix = input.queue_name_prefix.unwrap_or_default();
    let (names, next_token) = take_page(inner, context, &page, |name, _| name.starts_with(&prefix)).await?;
    let urls = names.into_iter().map(|name| {
        let key = QueueKey { account: context.account.clone(), region: context.region.clone(), name };
        url(context, &key)
    });
    Ok(ListQueuesResult { queue_urls: unless_empty(urls.collect()), next_token })
}
