//! What a topic is called, and how it is found and changed.

mod attributes;
mod policy;

use ids::{AccountId, Arn, Region};
use serde::{Deserialize, Serialize};
use store::{KeyPart, Row, Snapshot, Transaction};
use wire::Context;

pub(crate) use attributes::{check as check_attribute, default_value, show as show_attributes};
pub(crate) use policy::{Grant, add_statement, authorize, remove_statement};

use crate::Sns;
use crate::errors::{Failure, Outcome, invalid, topic_missing};
use crate::tables::topic::{TOPICS, TopicRecord};

/// How often a change is tried again that others were faster than.
pub(crate) const TRIES_MAX: usize = 16;

/// Names a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct TopicKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl TopicKey {
    /// The topic that an ARN names, if it is one of a topic.
    pub(crate) fn of_arn(arn: &Arn) -> Option<Self> {
        if arn.service != "sns" || arn.resource.contains(':') {
            return None;
        }
        Some(Self {
            account: AccountId::parse(&arn.account).ok()?,
            region: Region::parse(&arn.region).ok()?,
            name: arn.resource.clone(),
        })
    }

    /// The topic that a request names. A topic is reached in its own region only.
    ///
    /// # Errors
    /// `InvalidParameter`.
    pub(crate) fn parse(context: &Context, text: &str) -> Outcome<Self> {
        let arn = parse_arn(text, "TopicArn")?;
        match Self::of_arn(&arn) {
            Some(key) if key.region == context.region => Ok(key),
            _ => Err(invalid("TopicArn")),
        }
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:sns:{}:{}:{}", self.region, self.account, self.name)
    }

    /// The key in [`TOPICS`], and what the keys of all its subscriptions begin with.
    pub(crate) fn parts(&self) -> [KeyPart<'_>; 3] {
        [self.account.as_str().into(), self.region.as_str().into(), self.name.as_str().into()]
    }

    /// The key of what belongs to it by a name of its own.
    pub(crate) fn parts_and<'a>(&'a self, last: &'a str) -> [KeyPart<'a>; 4] {
        let [account, region, name] = self.parts();
        [account, region, name, last.into()]
    }
}

/// Parses an ARN that a request gave as `member`.
///
/// # Errors
/// `InvalidParameter`.
pub(crate) fn parse_arn(text: &str, member: &str) -> Outcome<Arn> {
    let parts = text.split(':').count();
    if parts < 6 {
        return Err(invalid(format!("{member} Reason: An ARN must have at least 6 elements, not {parts}")));
    }
    Arn::parse(text).map_err(|_| invalid(member))
}

/// The topic's row.
///
/// # Errors
/// `NotFound`.
pub(crate) async fn find(snapshot: &dyn Snapshot, key: &TopicKey) -> Outcome<Row<TopicRecord>> {
    TOPICS.get(snapshot, &key.parts()).await?.ok_or_else(topic_missing)
}

/// Changes a topic, and with it whatever `change` adds to the transaction. `change` may be called several times:
/// whenever somebody else changed the topic first.
///
/// # Errors
/// `NotFound`, and those of `change`.
pub(crate) async fn change(
    sns: &Sns,
    key: &TopicKey,
    change: impl Fn(&mut TopicRecord, &mut Transaction) -> Outcome<()>,
) -> Outcome<()> {
    for _ in 0..TRIES_MAX {
        let row = find(&*sns.snapshot().await?, key).await?;
        let mut record = row.record.clone();
        let mut transaction = Transaction::new();
        change(&mut record, &mut transaction)?;
        if record != row.record {
            TOPICS.update(&mut transaction, &row, &record)?;
        }
        match sns.commit(key, transaction).await {
            Err(Failure::Conflict) => {}
            other => return other,
        }
    }
    Err(Failure::Conflict)
}
