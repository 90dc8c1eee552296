//! `GET /_lambent/outbox`: e-mails and text messages, which do not leave this host.

use http::StatusCode;
use serde_json::{Value, json};
use sns::{OutboxEntry, Sns};
use wire::Response;

use crate::answer::{invalid, json, store_failed};
use crate::query::Query;

const LIMIT_DEFAULT: usize = 50;
/// As many as are kept.
const LIMIT_MAX: usize = 1_000;

pub(crate) async fn show(sns: &Sns, query: &str) -> Response {
    let limit = Query::parse(query, &["limit"]).and_then(|query| query.limit(LIMIT_DEFAULT, LIMIT_MAX));
    let limit = match limit {
        Ok(limit) => limit,
        Err(message) => return invalid(&message),
    };
    match sns.outbox(limit).await {
        Ok(entries) => {
            let messages: Vec<Value> = entries.iter().map(show_entry).collect();
            json(StatusCode::OK, &json!({ "messages": messages }))
        }
        Err(error) => store_failed(&error),
    }
}

fn show_entry(entry: &OutboxEntry) -> Value {
    json!({
        "at": entry.at.iso8601_millis(),
        "protocol": entry.protocol,
        "to": entry.to,
        "from": entry.from,
        "topic": entry.topic_arn,
        "subscription": entry.subscription_arn,
        "id": entry.message_id,
        "subject": entry.subject,
        "body": entry.body,
        "token": entry.token,
        "subscribe_url": entry.subscribe_url,
    })
}
