//! `Subscribe`.

use std::collections::BTreeMap;

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
use crate::tables::topic::TOPICS;
use crate::topic::{self, TRIES_MAX, TopicKey, authorize};
use crate::topics::{self, Topic};

/// AWS lets 12,500,000 subscribe to a standard topic; here all of a topic's are in memory.
const SUBSCRIPTIONS_MAX: usize = 100_000;

/// "100 subscriptions per FIFO topic" (General reference, "Amazon SNS endpoints and quotas").
const SUBSCRIPTIONS_OF_FIFO_MAX: usize = 100;

/// "200 filter policies per topic" (developer guide, "Filter policy constraints").
const FILTER_POLICIES_MAX: usize = 200;

pub(crate) async fn run(sns: &Sns, context: &Context, input: SubscribeInput) -> Outcome<SubscribeResponse> {
    let key = TopicKey::parse(context, &input.topic_arn)?;
    let topic = topics::get(sns, &key).await?;
    authorize(context, &key, &topic.record, "Subscribe")?;
    let protocol = parse_protocol(&input.protocol)?;
    let endpoint = input.endpoint.ok_or_else(|| invalid("Endpoint"))?;
    check_endpoint(protocol, &endpoint, topic.record.is_fifo())?;
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
    check(&wanted, &wanted.attributes, topic.record.is_fifo(), Stage::Subscribe)?;
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
    let mut batch = Batch::new(Transaction::new());
    // The topic is still there, and nobody deleted it and made it anew.
    batch.transaction.checks.push(Check::Version(TOPICS.key(&key.parts()), row.version));
    let now = sns.parts.clock.now();
    let mut record = wanted.clone();
    let id = match find_same(&*snapshot, key, wanted, now).await? {
        Some((id, same)) => {
            check_same(&same.record, wanted)?;
            if same.record.confirmed {
                return Ok((id, true));
            }
            // It is asked for once more.
            record = same.record.clone();
            record.token = Some(make_token(&sns.parts.ids, &id, now));
            SUBSCRIPTIONS.update(&mut batch.transaction, &same, &record)?;
            id
        }
        None => {
            check_limits(&topic, wanted)?;
            let id = sns.parts.ids.request_id().to_string();
            if !record.confirmed {
                record.token = Some(make_token(&sns.parts.ids, &id, now));
            }
            let endpoint = endpoint_key(record.protocol, &record.endpoint);
            ENDPOINTS.put(&mut batch.transaction, &key.parts_and(&endpoint), &id)?;
            SUBSCRIPTIONS.insert(&mut batch.transaction, &key.parts_and(&id), &record)?;
            check_endpoint_row(&*snapshot, &mut batch.transaction, key, &endpoint).await?;
            id
        }
    };
    if !record.confirmed {
        ask(sns, &mut batch, &topic, &id, &record, Occasion::Subscribed).await?;
    }
    let committed = batch.commit(sns).await.map_err(Failure::from);
    sns.topics.forget(key);
    committed.map(|()| (id, record.confirmed))
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

/// Adds: nobody else subscribed the endpoint in the meantime. What a subscription that lapsed has left is removed.
async fn check_endpoint_row(
    snapshot: &dyn Snapshot,
    transaction: &mut Transaction,
    key: &TopicKey,
    endpoint: &str,
) -> Outcome<()> {
    let parts = key.parts_and(endpoint);
    match ENDPOINTS.get(snapshot, &parts).await? {
        None => transaction.checks.push(Check::Absent(ENDPOINTS.key(&parts))),
        Some(lapsed) => {
            transaction.checks.push(Check::Version(lapsed.key, lapsed.version));
            SUBSCRIPTIONS.delete(transaction, &key.parts_and(&lapsed.record));
        }
    }
    Ok(())
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
