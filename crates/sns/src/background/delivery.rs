//! Delivers what is due: over HTTP, and again what a queue or a function could not accept at first.
//!
//! What waits is rows by their time. Of them only those that are under way are in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clock::{Hold, Timestamp, execution_sleep};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use store::{Check, CommitError, Row, Transaction, prefix_end};
use targets::{Due, TargetError};

use crate::Sns;
use crate::errors::Outcome;
use crate::fan_out::Batch;
use crate::hand_over::{dead_letter, hand_over};
use crate::http::Answer;
use crate::stories::{Fate, Note};
use crate::tables::delivery::{Attempts, Content, DELIVERIES, DUE, Delivery};

/// Deliveries that are under way at one time.
const UNDER_WAY_MAX: usize = 128;

/// Deliveries to one subscription that are under way at one time: one that does not answer must not keep the others
/// waiting.
const UNDER_WAY_OF_SUBSCRIPTION_MAX: usize = 16;

/// Rows that are looked through for something that can be begun.
const ROWS_AT_ONCE: usize = 1_000;

/// How long to wait, in real time, after the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How long what even the dead-letter queue could not accept waits, in platform time.
const DEAD_LETTER_PAUSE: Duration = Duration::from_secs(20);

/// A row of [`DUE`], taken apart.
#[derive(Debug)]
struct Errand {
    key: store::Bytes,
    due: Timestamp,
    message: String,
    subscription: String,
    attempts: u32,
}

impl Errand {
    fn read(row: Row<Attempts>) -> Outcome<Self> {
        let mut parts = DUE.read_key(&row.key)?;
        let (due, message, subscription) = (parts.timestamp()?, parts.str()?, parts.str()?);
        Ok(Self { key: row.key, due, message, subscription, attempts: row.record.0 })
    }
}

/// What is under way: the subscription's id by the row's key.
type UnderWay = HashMap<store::Bytes, String>;

/// Runs until it is dropped. `hold` keeps virtual time until what is due at the start is done.
pub(crate) async fn run(sns: Sns, hold: Hold) {
    let mut hold = Some(hold);
    let mut attempts = FuturesUnordered::new();
    let mut under_way = UnderWay::new();
    loop {
        let (found, next) = match look(&sns, &under_way).await {
            Ok(found) => found,
            Err(failure) => {
                tracing::error!(?failure, "sns: deliveries could not be read, and will be tried again");
                execution_sleep(PAUSE).await;
                continue;
            }
        };
        for errand in found {
            under_way.insert(errand.key.clone(), errand.subscription.clone());
            attempts.push(carry_out(sns.clone(), errand, sns.parts.clock.hold()));
        }
        // From here on each delivery holds the time itself.
        drop(hold.take());
        let wake_up = async {
            match next {
                Some(next) => sns.parts.clock.sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Together with the hold goes what it was for, once the next look has found what follows.
            Some((key, done)) = attempts.next() => {
                under_way.remove(&key);
                hold = Some(done);
            }
            rung = sns.deliveries.wait() => hold = rung,
            woken = wake_up => hold = Some(woken),
        }
    }
}

/// What is due and can be begun, and when there is reason to look again, unless something ends or is added before.
async fn look(sns: &Sns, under_way: &UnderWay) -> Outcome<(Vec<Errand>, Option<Timestamp>)> {
    let free = UNDER_WAY_MAX.saturating_sub(under_way.len());
    if free == 0 {
        return Ok((Vec::new(), None));
    }
    let mut of_subscription: HashMap<String, usize> = HashMap::new();
    for subscription in under_way.values() {
        *of_subscription.entry(subscription.clone()).or_default() += 1;
    }
    let now = sns.parts.clock.now();
    let snapshot = sns.snapshot().await?;
    let mut found = Vec::new();
    for row in DUE.list(&*snapshot, &[], None, ROWS_AT_ONCE).await? {
        if under_way.contains_key(&row.key) {
            continue;
        }
        let errand = Errand::read(row)?;
        if errand.due > now {
            return Ok((found, Some(errand.due)));
        }
        let count = of_subscription.entry(errand.subscription.clone()).or_default();
        if *count < UNDER_WAY_OF_SUBSCRIPTION_MAX {
            *count += 1;
            found.push(errand);
        }
        if found.len() == free {
            break;
        }
    }
    Ok((found, None))
}

/// One attempt. Whatever comes of it is in the store before the hold is given back.
async fn carry_out(sns: Sns, errand: Errand, hold: Hold) -> (store::Bytes, Hold) {
    let parts = [(&errand.message).into(), (&errand.subscription).into()];
    let delivery = loop {
        match DELIVERIES.get_now(&*sns.parts.store, &parts).await {
            Ok(row) => break row.map(|row| Arc::new(row.record)),
            Err(error) => {
                tracing::error!(%error, "sns: a delivery could not be read, and will be tried again");
                execution_sleep(PAUSE).await;
            }
        }
    };
    let answer = match delivery.as_deref() {
        Some(delivery) => attempt(&sns, &errand, delivery).await,
        None => Attempt::Delivered,
    };
    // A commit that failed leaves the rows as they are: without this they would at once be tried again.
    while let Err(failure) = conclude(&sns, &errand, delivery.as_deref(), &answer).await {
        tracing::error!(?failure, "sns: a delivery could not be concluded, and will be tried again");
        execution_sleep(PAUSE).await;
    }
    (errand.key, hold)
}

/// What came of an attempt.
#[derive(Debug)]
enum Attempt {
    /// It is there.
    Delivered,
    /// It is to be handed over in the commit that ends it.
    HandOver,
    Refused(String),
    Failed(String),
}

async fn attempt(sns: &Sns, errand: &Errand, delivery: &Delivery) -> Attempt {
    let Content::Http { content_type, raw, body } = &delivery.content else {
        return Attempt::HandOver;
    };
    let mut headers = vec![
        ("content-type", content_type.clone()),
        ("x-amz-sns-message-type", delivery.kind.clone()),
        ("x-amz-sns-message-id", errand.message.clone()),
        ("x-amz-sns-topic-arn", delivery.topic.arn()),
    ];
    if delivery.kind != "SubscriptionConfirmation" {
        headers.push(("x-amz-sns-subscription-arn", delivery.subscription_arn.clone()));
    }
    if *raw {
        headers.push(("x-amz-sns-rawdelivery", "true".to_owned()));
    }
    if let Some(trace) = &delivery.trace_header {
        headers.push(("x-amzn-trace-id", trace.clone()));
    }
    match sns.http.post(&delivery.endpoint, &headers, body.clone()).await {
        Answer::Delivered => Attempt::Delivered,
        Answer::Refused(reason) => Attempt::Refused(reason),
        Answer::Failed(reason) => Attempt::Failed(reason),
    }
}

/// Writes down what came of an attempt, and what follows.
async fn conclude(sns: &Sns, errand: &Errand, delivery: Option<&Delivery>, answer: &Attempt) -> Outcome<()> {
    let mut batch = Batch::new(Transaction::new());
    let (due, message, subscription) = (errand.due, &errand.message, &errand.subscription);
    // After a commit whose outcome was unknown this may have been concluded already.
    batch.transaction.checks.push(Check::Present(errand.key.clone()));
    DUE.delete(&mut batch.transaction, &[due.into(), message.into(), subscription.into()]);
    let next = match delivery {
        None => Next::End,
        Some(delivery) => decide(sns, &mut batch, errand, delivery, answer).await,
    };
    match next {
        Next::End => {
            DELIVERIES.delete(&mut batch.transaction, &[message.into(), subscription.into()]);
            let is_last = is_last(sns, errand).await?;
            if let (Some(delivery), true) = (delivery, is_last) {
                batch.tell(Note::of_delivery(&delivery.topic, message, Fate::Ended));
            }
        }
        Next::Again(due, attempts) => {
            let parts = [due.into(), message.into(), subscription.into()];
            DUE.put(&mut batch.transaction, &parts, &Attempts(attempts))?;
        }
    }
    match batch.commit(sns).await {
        // A queue or function changed in the meantime: as long as the row is there, it is found again.
        Ok(()) | Err(CommitError::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What follows an attempt.
#[derive(Debug)]
enum Next {
    End,
    /// When, and after how many attempts.
    Again(Timestamp, u32),
}

async fn decide(
    sns: &Sns,
    batch: &mut Batch,
    errand: &Errand,
    delivery: &Delivery,
    answer: &Attempt,
) -> Next {
    let is_message = delivery.kind == "Notification";
    let message = errand.message.as_str();
    let tell = |batch: &mut Batch, fate: Fate| {
        // Metrics count notifications, not what asks for a confirmation.
        if is_message {
            batch.tell(Note::of_delivery(&delivery.topic, message, fate));
        }
    };
    let (reason, is_final) = match answer {
        Attempt::Delivered => {
            tell(batch, Fate::sent(delivery, message));
            return Next::End;
        }
        Attempt::HandOver => match hand_over(sns, delivery, message).await {
            Ok(prepared) => {
                tell(batch, Fate::sent(delivery, &prepared.id));
                batch.join(prepared);
                return Next::End;
            }
            Err(error) => (error.to_string(), !error.is_temporary()),
        },
        Attempt::Refused(reason) => (reason.clone(), true),
        Attempt::Failed(reason) => (reason.clone(), false),
    };
    let attempts = errand.attempts.saturating_add(1);
    let now = sns.parts.clock.now();
    if !is_final && let Some(delay) = delivery.retries.delay(attempts) {
        batch.tell(Note::waits(&delivery.topic, message, now + delay, reason));
        return Next::Again(now + delay, attempts);
    }
    match dead_letter(sns, delivery, message).await {
        Some(Err(TargetError::Unavailable(reason))) => {
            batch.tell(Note::waits(&delivery.topic, message, now + DEAD_LETTER_PAUSE, reason));
            return Next::Again(now + DEAD_LETTER_PAUSE, attempts);
        }
        redriven => {
            tell(batch, Fate::failed(delivery, &reason));
            match redriven {
                Some(Ok(prepared)) => {
                    tell(batch, Fate::redriven(delivery, &prepared.id));
                    batch.join(prepared);
                }
                Some(Err(refusal)) => tell(batch, Fate::not_redriven(delivery, &refusal.to_string())),
                None => {}
            }
        }
    }
    Next::End
}

/// Whether no other delivery of the message is on its way.
async fn is_last(sns: &Sns, errand: &Errand) -> Outcome<bool> {
    let from = DELIVERIES.key(&[(&errand.message).into()]);
    let rows = sns.snapshot().await?.range(&from, &prefix_end(&from), 2, false).await?;
    Ok(rows.len() < 2)
}

/// What waits, for those who turn the clock.
pub(crate) async fn agenda(sns: &Sns, limit: usize) -> Outcome<Vec<Due>> {
    let snapshot = sns.snapshot().await?;
    let mut agenda = Vec::new();
    for row in DUE.list(&*snapshot, &[], None, limit).await? {
        let Errand { due, message, subscription, attempts, .. } = Errand::read(row)?;
        let parts = [(&message).into(), (&subscription).into()];
        let Some(delivery) = DELIVERIES.get(&*snapshot, &parts).await? else { continue };
        let what = if attempts == 0 { "delivery of a notification" } else { "retry of a delivery" };
        let resource = delivery.record.subscription_arn;
        agenda.push(Due { at: due, what: what.to_owned(), resource, id: message });
    }
    Ok(agenda)
}
