//! Consumers.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::Arn;
use serde::{Deserialize, Serialize};
use store::{KeyPart, Table};

use super::StreamKey;

/// Names a consumer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ConsumerKey {
    pub(crate) stream: StreamKey,
    pub(crate) name: String,
}

impl ConsumerKey {
    /// The consumer that an ARN names. The moment at its end tells it from others that had its name before.
    pub(crate) fn of_arn(arn: &Arn) -> Option<Self> {
        let stream = StreamKey::of_arn(arn)?;
        let (_, consumer) = arn.resource.split_once("/consumer/")?;
        let (name, _created) = consumer.rsplit_once(':')?;
        Some(Self { stream, name: name.to_owned() })
    }

    pub(crate) fn parts(&self) -> [KeyPart<'_>; 4] {
        let [account, region, stream] = self.stream.parts();
        [account, region, stream, self.name.as_str().into()]
    }
}

/// What is being done to a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ConsumerChange {
    /// It was registered just now.
    Register,
    /// It goes.
    Deregister,
}

/// A consumer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConsumerRecord {
    pub(crate) created: Timestamp,
    /// What is under way: its status follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<ConsumerChange>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    /// The resource policy, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
}

impl ConsumerRecord {
    /// `ConsumerStatus`.
    pub(crate) const fn status(&self) -> &'static str {
        match self.change {
            None => "ACTIVE",
            Some(ConsumerChange::Register) => "CREATING",
            Some(ConsumerChange::Deregister) => "DELETING",
        }
    }

    /// The ARN of the consumer with this key.
    pub(crate) fn arn(&self, key: &ConsumerKey) -> String {
        format!("{}/consumer/{}:{}", key.stream.arn(), key.name, self.created.as_secs())
    }
}

/// The key is (account, region, stream's name, name).
pub(crate) const CONSUMERS: Table<ConsumerRecord> = Table::of_large_records("kinesis-consumer");
