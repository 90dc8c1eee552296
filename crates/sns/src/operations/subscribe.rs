//! `Subscribe`.

use std::collections::BTreeMap;
use std::sync::Arc;

use api_sns::{SubscribeInput, SubscribeResponse};
use clock::Timestamp;
use ids::Arn;
use store::{Check, Row, Snapshot, Transaction};
use wire::Context;

use crate::Sns;
use crate::confirmation::{Occasion, ask};
use crate::errors::{Failure, Outcome, invalid, too_many_filter_policies, too_many_subscriptions};
use crate::fan_out::Batch;
use crate::subscription::{
    self, Stage, check, check_endpoint, endpoint_key, is_empty_policy, make_token, parse_protocol,
};
use crate::tables::subscription::{ENDPOINTS, Protocol, SUBSCRIPTIONS, SubscriptionRecord};
use crate::tables::topic::TopicRecord;
use crate::topic::{self, TRIES_MAX, TopicKey, authorize};
use crate::topics::{self, Topic, make_subscription};

/// AWS lets 12,500,000 subscribe to a standard topic; here all of a topic's are in memory.
const SUBSCRIPTIONS_MAX: usize = 100_000;

/// "100 subscriptions per FIFO topic" (General reference, "Amazon SNS endpoints and quotas").
const SUBSCRIPTIONS_OF_FIFO_MAX: usize = 100;

/// "200 filter policies per topic" (developer guide, "Filter policy constraints").
const FILTER_POLICIES_MAX: usize = 200;

pub(crate) async fn run(sns: &Sns, context: &Context, input: SubscribeInput) -> Outcome<SubscribeResponse> {
    let key = TopicKey::parse(context, &input.topic_arn)?;
    let fifo = {
        let topic = topics::get(sns, &key).await?;
        authorize(context, &key, &topic.record, "Subscribe")?;
        topic.record.is_fifo()
    };
    let protocol = parse_protocol(&input.protocol)?;
    let endpoint = input.endpoint.ok_or_else(|| invalid("Endpoint"))?;
    check_endpoint(protocol, &endpoint, fifo)?;
    let mut wanted = SubscriptionRecord {
        protocol,
        endpoint,
        owner: context.account.to_string(),
        principal: context.caller.arn.clone(),
        attributes: input.attributes.unwrap_or_default(),
        confirmed: false,
        confirmed_with_authentication: false,
        authenticate_on_unsubscribe: false,
        token: None,
    };
    normalize(&mut wanted.attributes);
    check(&wanted, &wanted.attributes, fifo, Stage::Subscribe)?;
    wanted.confirmed = !needs_confirmation(context, &wanted);
    wanted.confirmed_with_authentication = wanted.confirmed;
    for _ in 0..TRIES_MAX {
        match subscribe(sns, &key, &wanted).await {
            Ok((id, confirmed)) => {
                let tells = confirmed || input.return_subscription_arn == Some(true);
                let pending = || "pending confirmation".to_owned();
                let arn = if tells { subscription::arn(&key, &id) } else { pending() };
                return Ok(SubscribeResponse { subscription_arn: Some(arn) });
            }
            Err(Failure::Conflict) => {}
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::Conflict)
}

/// The case of a truth value does not matter.
pub(crate) fn normalize(attributes: &mut BTreeMap<String, String>) {
    if let Some(raw) = attributes.get_mut("RawMessageDelivery") {
        let lower = raw.to_ascii_lowercase();
        if matches!(lower.as_str(), "true" | "false") {
            *raw = lower;
        }
    }
}

/// "If the endpoint and the topic are not in the same account, the endpoint owner must confirm"; whoever subscribes a
/// queue of his own account has done so.
fn needs_confirmation(context: &Context, wanted: &SubscriptionRecord) -> bool {
    match wanted.protocol {
        Protocol::Sqs => {
            let account = Arn::parse(&wanted.endpoint).map(|arn| arn.account);
            account.is_ok_and(|account| account != context.account.as_str())
        }
        protocol => protocol.needs_confirmation(),
    }
}

/// Returns the subscription's id, and whether it is confirmed.
async fn subscribe(sns: &Sns, key: &TopicKey, wanted: &SubscriptionRecord) -> Outcome<(String, bool)> {
    let topic = topics::get(sns, key).await?;
    let snapshot = sns.snapshot().await?;
    let row = topic::find(&*snapshot, key).await?;
    match find_same(&*snapshot, key, wanted, sns.parts.clock.now()).await? {
        Some((id, same)) => {
            check_same(&same.record, wanted)?;
            if !same.record.confirmed {
                ask_again(sns, &topic, &id, &same).await?;
            }
            Ok((id, same.record.confirmed))
        }
        None => {
            check_limits(&topic, wanted)?;
            subscribe_anew(sns, topic, &*snapshot, &row, wanted.clone()).await
        }
    }
}

/// The confirmation is asked for once more.
async fn ask_again(sns: &Sns, topic: &Topic, id: &str, row: &Row<SubscriptionRecord>) -> Outcome<()> {
    let mut batch = Batch::new(Transaction::new());
    let token = make_token(&sns.parts.ids, id, sns.parts.clock.now());
    let record = SubscriptionRecord { token: Some(token), ..row.record.clone() };
    SUBSCRIPTIONS.update(&mut batch.transaction, row, &record)?;
    ask(sns, &mut batch, topic, id, &record, Occasion::Subscribed).await?;
    Ok(batch.commit(sns).await?)
}

async fn subscribe_anew(
    sns: &Sns,
    topic: Arc<Topic>,
    snapshot: &dyn Snapshot,
    row: &Row<TopicRecord>,
    mut record: SubscriptionRecord,
) -> Outcome<(String, bool)> {
    let (key, id) = (topic.key.clone(), sns.parts.ids.request_id().to_string());
    let mut batch = Batch::new(Transaction::new());
    // The topic is still there, and nobody deleted it and made it anew.
    batch.transaction.checks.push(Check::Version(row.key.clone(), row.version));
    if !record.confirmed {
        record.token = Some(make_token(&sns.parts.ids, &id, sns.parts.clock.now()));
        ask(sns, &mut batch, &topic, &id, &record, Occasion::Subscribed).await?;
    }
    // Otherwise adding to it would copy it.
    drop(topic);
    let endpoint = endpoint_key(record.protocol, &record.endpoint);
    ENDPOINTS.put(&mut batch.transaction, &key.parts_and(&endpoint), &id)?;
    SUBSCRIPTIONS.insert(&mut batch.transaction, &key.parts_and(&id), &record)?;
    let lapsed = replace_lapsed(snapshot, &mut batch.transaction, &key, &endpoint).await?;
    let changes = sns.topics.changes();
    let confirmed = record.confirmed;
    let committed = batch.commit(sns).await;
    if committed.is_err() || lapsed {
        sns.topics.forget(&key);
    } else {
        let new = confirmed.then(|| make_subscription(&key, &row.record, id.clone(), record));
        sns.topics.add(changes, &key, new.transpose()?);
    }
    Ok(committed.map(|()| (id, confirmed))?)
}

/// The subscription that this endpoint has already.
async fn find_same(
    snapshot: &dyn Snapshot,
    key: &TopicKey,
    wanted: &SubscriptionRecord,
    now: Timestamp,
) -> Outcome<Option<(String, Row<SubscriptionRecord>)>> {
    let endpoint = endpoint_key(wanted.protocol, &wanted.endpoint);
    let Some(id) = ENDPOINTS.get(snapshot, &key.parts_and(&endpoint)).await? else { return Ok(None) };
    let row = SUBSCRIPTIONS.get(snapshot, &key.parts_and(&id.record)).await?;
    Ok(row.filter(|row| !row.record.has_lapsed(now)).map(|row| (id.record, row)))
}

/// Adds: nobody else subscribed the endpoint in the meantime. What a subscription that lapsed has left is removed; says
/// whether there is such.
async fn replace_lapsed(
    snapshot: &dyn Snapshot,
    transaction: &mut Transaction,
    key: &TopicKey,
    endpoint: &str,
) -> Outcome<bool> {
    let parts = key.parts_and(endpoint);
    match ENDPOINTS.get(snapshot, &parts).await? {
        None => {
            transaction.checks.push(Check::Absent(ENDPOINTS.key(&parts)));
            Ok(false)
        }
        Some(lapsed) => {
            transaction.checks.push(Check::Version(lapsed.key, lapsed.version));
            SUBSCRIPTIONS.delete(transaction, &key.parts_and(&lapsed.record));
            Ok(true)
        }
    }
}

fn check_same(same: &SubscriptionRecord, wanted: &SubscriptionRecord) -> Outcome<()> {
    let default = |name: &str| match name {
        "RawMessageDelivery" => "false",
        "FilterPolicyScope" => "MessageAttributes",
        _ => "",
    };
    let differs = |(name, value): (&String, &String)| {
        same.attribute(name).unwrap_or_else(|| default(name)) != value.as_str()
    };
    if wanted.attributes.iter().any(differs) {
        return Err(invalid("Attributes Reason: Subscription already exists with different attributes"));
    }
    Ok(())
}

fn check_limits(topic: &Topic, wanted: &SubscriptionRecord) -> Outcome<()> {
    let most = if topic.record.is_fifo() { SUBSCRIPTIONS_OF_FIFO_MAX } else { SUBSCRIPTIONS_MAX };
    if topic.subscriptions.len() + topic.pending >= most {
        return Err(too_many_subscriptions());
    }
    let filters = topic.subscriptions.iter().filter(|one| one.filter.is_some()).count();
    let is_filter = wanted.attribute("FilterPolicy").is_some_and(|policy| !is_empty_policy(policy));
    if is_filter && filters >= FILTER_POLICIES_MAX {
        return Err(too_many_filter_policies());
    }
    Ok(())
}
