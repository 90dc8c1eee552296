//! Records and their keys.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::{AccountId, Arn, Region};
use queue::QueueId;
use serde::{Deserialize, Serialize};
use store::{KeyPart, Table};

/// Names a queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct QueueKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl QueueKey {
    /// The queue that an ARN names.
    pub(crate) fn of_arn(arn: &Arn) -> Option<Self> {
        if arn.service != "sqs" || arn.resource.contains([':', '/']) {
            return None;
        }
        Some(Self {
            account: AccountId::parse(&arn.account).ok()?,
            region: Region::parse(&arn.region).ok()?,
            name: arn.resource.clone(),
        })
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:sqs:{}:{}:{}", self.region, self.account, self.name)
    }

    pub(crate) fn parts(&self) -> [KeyPart<'_>; 3] {
        [self.account.as_str().into(), self.region.as_str().into(), self.name.as_str().into()]
    }

    /// FIFO queues are told by their names.
    pub(crate) fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueRecord {
    /// Names its messages.
    pub(crate) id: QueueId,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    /// Those that were set, as they are shown.
    pub(crate) attributes: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) purged: Option<Timestamp>,
}

/// The key is (account, region, name).
pub(crate) const QUEUES: Table<QueueRecord> = Table::of_large_records("sqs-queue");

/// How a message move task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TaskStatus {
    Running,
    Cancelling,
    Completed,
    Cancelled,
    Failed,
}

impl TaskStatus {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Cancelling => "CANCELLING",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether messages may still be moved.
    pub(crate) const fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Cancelling)
    }
}

/// Messages on their way out of a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MoveTask {
    pub(crate) id: String,
    /// The dead-letter queue.
    pub(crate) source: QueueKey,
    /// Absent: each message goes where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<QueueKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_per_second: Option<u32>,
    pub(crate) started: Timestamp,
    pub(crate) status: TaskStatus,
    pub(crate) moved: u64,
    pub(crate) to_move: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
}

/// The key is (account, region, source's name, when started, id).
pub(crate) const MOVE_TASKS: Table<MoveTask> = Table::new("sqs-move-task");

impl MoveTask {
    pub(crate) fn parts(&self) -> [KeyPart<'_>; 5] {
        let [account, region, name] = self.source.parts();
        [account, region, name, self.started.into(), self.id.as_str().into()]
    }
}
