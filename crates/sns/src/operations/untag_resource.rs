//! `UntagResource`.

use api_sns::{UntagResourceRequest, UntagResourceResponse};
use wire::Context;

use crate::Sns;
use crate::errors::Outcome;
use crate::operations::tag_resource::{missing, tagged};
use crate::tables::topic::TopicRecord;
use crate::topic;

pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: UntagResourceRequest,
) -> Outcome<UntagResourceResponse> {
    let key = tagged(context, &input.resource_arn)?;
    let change = |record: &mut TopicRecord, _: &mut _| {
        record.tags.retain(|(name, _)| !input.tag_keys.contains(name));
        Ok(())
    };
    topic::change(sns, &key, change).await.map_err(missing)?;
    Ok(UntagResourceResponse {})
}
