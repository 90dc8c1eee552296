//! `ListTopics`.

use api_sns::{ListTopicsInput, ListTopicsResponse, Topic};
use wire::Context;

use crate::Sns;
use crate::errors::{Failure, Outcome};
use crate::page::{PAGE_LENGTH, cut, read_token};
use crate::tables::topic::TOPICS;
use crate::topic::TopicKey;

pub(crate) async fn run(sns: &Sns, context: &Context, input: ListTopicsInput) -> Outcome<ListTopicsResponse> {
    let parts = [context.account.as_str().into(), context.region.as_str().into()];
    let prefix = TOPICS.key(&parts);
    let after = read_token(input.next_token.as_deref(), &prefix)?;
    let mut rows = TOPICS.list(&*sns.snapshot().await?, &parts, after.as_deref(), PAGE_LENGTH + 1).await?;
    let next_token = cut(&mut rows, &prefix);
    let topics = rows.iter().map(|row| {
        let mut key = TOPICS.read_key(&row.key)?;
        let (_account, _region, name) = (key.str()?, key.str()?, key.str()?);
        let key = TopicKey { account: context.account.clone(), region: context.region.clone(), name };
        Ok::<_, Failure>(Topic { topic_arn: Some(key.arn()) })
    });
    Ok(ListTopicsResponse { topics: Some(topics.collect::<Outcome<_>>()?), next_token })
}
