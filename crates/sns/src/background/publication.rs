//! Delivers in steps what was too large for one commit.

use std::sync::Arc;
use std::time::Duration;

use clock::{Hold, execution_sleep};
use store::{CommitError, Row, Transaction};

use crate::Sns;
use crate::errors::{Failure, Outcome};
use crate::fan_out::{Batch, fan_out};
use crate::message::Publication;
use crate::publish::{BODY_BYTES_MAX, SUBSCRIPTIONS_MAX, body_bytes};
use crate::stories::Fate;
use crate::tables::publication::{PROGRESS, PUBLICATIONS, Progress};
use crate::topics::{self, Subscription, Topic};

/// Rows that are read at once.
const ROWS_AT_ONCE: usize = 100;

/// How long to wait, in real time, after the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until it is dropped. `hold` keeps virtual time until what was left of the last run is done.
pub(crate) async fn run(sns: Sns, hold: Hold) {
    let mut hold = Some(hold);
    loop {
        while let Err(failure) = finish_all(&sns).await {
            tracing::error!(?failure, "sns: publications could not be delivered, and will be tried again");
            execution_sleep(PAUSE).await;
        }
        drop(hold);
        hold = sns.publications.wait().await;
    }
}

async fn finish_all(sns: &Sns) -> Outcome<()> {
    loop {
        let rows = PROGRESS.list(&*sns.snapshot().await?, &[], None, ROWS_AT_ONCE).await?;
        let Some(first) = rows.first() else { return Ok(()) };
        let id = PROGRESS.read_key(&first.key)?.str()?;
        let _turn = sns.turns.take(&id).await;
        finish_all_of(sns, &id).await?;
    }
}

/// Delivers all that was written down of a topic. For a FIFO topic the caller has the turn.
///
/// # Errors
/// Our own fault only.
pub(crate) async fn finish_all_of(sns: &Sns, topic_id: &str) -> Outcome<()> {
    loop {
        let rows = PROGRESS.list(&*sns.snapshot().await?, &[topic_id.into()], None, ROWS_AT_ONCE).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            finish(sns, row).await?;
        }
    }
}

/// One publication. The steps are taken one after another, each with a commit that says how far it came.
async fn finish(sns: &Sns, row: Row<Progress>) -> Outcome<()> {
    let mut parts = PROGRESS.read_key(&row.key)?;
    let (topic_id, order, message_id) = (parts.str()?, parts.u64()?, parts.str()?);
    let publication = PUBLICATIONS.get_now(&*sns.parts.store, &[(&message_id).into()]).await?;
    let Some(publication) = publication.map(|row| row.record) else {
        return remove(sns, &row, &message_id).await;
    };
    let mut at_once = (BODY_BYTES_MAX / body_bytes(&publication)).clamp(1, SUBSCRIPTIONS_MAX);
    let mut next = Some(row);
    while let Some(row) = next {
        let topic = match topics::get(sns, &row.record.topic).await {
            Ok(topic) if topic.record.id == topic_id => topic,
            // With the topic its subscriptions are gone.
            Ok(_) | Err(Failure::Answer(_)) => return remove(sns, &row, &message_id).await,
            Err(failure) => return Err(failure),
        };
        match step(sns, &topic, &publication, &row, at_once).await {
            Ok(()) => {}
            Err(CommitError::TooLarge(_)) if at_once > 1 => at_once = at_once.div_ceil(4),
            Err(CommitError::TooLarge(reason)) => skip(sns, &topic, &publication, &row, &reason).await?,
            Err(error) => return Err(error.into()),
        }
        let parts = [(&topic_id).into(), order.into(), (&message_id).into()];
        next = PROGRESS.get_now(&*sns.parts.store, &parts).await?;
    }
    Ok(())
}

/// Delivers to the next subscriptions.
async fn step(
    sns: &Sns,
    topic: &Topic,
    publication: &Publication,
    row: &Row<Progress>,
    at_once: usize,
) -> Result<(), CommitError> {
    let subscriptions = rest_of(topic, row);
    let next = &subscriptions[..subscriptions.len().min(at_once)];
    let mut batch = Batch::new(Transaction::new());
    fan_out(sns, &mut batch, topic, publication, next).await.map_err(unavailable)?;
    advance(&mut batch, topic, publication, row, next.len()).map_err(unavailable)?;
    match batch.commit(sns).await {
        // A queue or function changed in the meantime: it is asked again.
        Err(CommitError::Conflict(_)) => Ok(()),
        other => other,
    }
}

/// The next subscription cannot be served: even alone it is too much for one commit.
async fn skip(
    sns: &Sns,
    topic: &Topic,
    publication: &Publication,
    row: &Row<Progress>,
    reason: &str,
) -> Outcome<()> {
    let mut batch = Batch::new(Transaction::new());
    if let Some(subscription) = rest_of(topic, row).first() {
        let (to, reason) = (subscription.record.endpoint.clone(), reason.to_owned());
        batch.note(topic, publication, Fate::Failed { to, reason });
    }
    advance(&mut batch, topic, publication, row, 1)?;
    Ok(batch.commit(sns).await?)
}

/// Adds: the next `count` subscriptions have been served.
fn advance(
    batch: &mut Batch,
    topic: &Topic,
    publication: &Publication,
    row: &Row<Progress>,
    count: usize,
) -> Outcome<()> {
    let subscriptions = rest_of(topic, row);
    if let Some(last) = subscriptions.get(..count).and_then(<[Arc<Subscription>]>::last)
        && count < subscriptions.len()
    {
        let progress = Progress { after: Some(last.id.clone()), ..row.record.clone() };
        return Ok(PROGRESS.update(&mut batch.transaction, row, &progress)?);
    }
    PROGRESS.delete_row(&mut batch.transaction, row);
    PUBLICATIONS.delete(&mut batch.transaction, &[(&publication.id).into()]);
    batch.note_end(topic, publication);
    Ok(())
}

/// The subscriptions that have not been served.
fn rest_of<'a>(topic: &'a Topic, row: &Row<Progress>) -> &'a [Arc<Subscription>] {
    let served = row.record.after.as_deref().map_or(0, |after| {
        topic.subscriptions.partition_point(|subscription| subscription.id.as_str() <= after)
    });
    &topic.subscriptions[served..]
}

async fn remove(sns: &Sns, row: &Row<Progress>, message_id: &str) -> Outcome<()> {
    let mut transaction = Transaction::new();
    PROGRESS.delete_row(&mut transaction, row);
    PUBLICATIONS.delete(&mut transaction, &[message_id.into()]);
    match sns.parts.store.commit(transaction).await {
        Ok(_) | Err(CommitError::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn unavailable(failure: Failure) -> CommitError {
    CommitError::Unavailable(format!("{failure:?}"))
}
