//! `DeleteTopic`.

use api_sns::DeleteTopicInput;
use store::Transaction;
use wire::Context;

use crate::Sns;
use crate::errors::{Failure, Outcome};
use crate::tables::fifo::{RECENT, RECENT_ENDS, SEQUENCES};
use crate::tables::subscription::{ENDPOINTS, SUBSCRIPTIONS};
use crate::tables::topic::TOPICS;
use crate::topic::{TRIES_MAX, TopicKey, authorize};

/// Deletes the topic and its subscriptions. A topic that does not exist is deleted, too. What is on its way is still
/// delivered.
pub(crate) async fn run(sns: &Sns, context: &Context, input: DeleteTopicInput) -> Outcome<()> {
    let key = TopicKey::parse(context, &input.topic_arn)?;
    for _ in 0..TRIES_MAX {
        let Some(row) = TOPICS.get(&*sns.snapshot().await?, &key.parts()).await? else { return Ok(()) };
        authorize(context, &key, &row.record, "DeleteTopic")?;
        let mut transaction = Transaction::new();
        TOPICS.delete_row(&mut transaction, &row);
        SUBSCRIPTIONS.delete_all(&mut transaction, &key.parts());
        ENDPOINTS.delete_all(&mut transaction, &key.parts());
        let id = [(&row.record.id).into()];
        SEQUENCES.delete(&mut transaction, &id);
        RECENT.delete_all(&mut transaction, &id);
        RECENT_ENDS.delete_all(&mut transaction, &id);
        match sns.commit(&key, transaction).await {
            Err(Failure::Conflict) => {}
            other => return other,
        }
    }
    Err(Failure::Conflict)
}
