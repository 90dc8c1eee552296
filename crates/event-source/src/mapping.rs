//! What a mapping is.

use std::time::Duration;

use clock::Timestamp;
use ids::{AccountId, Arn, FunctionArn, Region};
use serde::{Deserialize, Serialize};

/// A mapping as it is stored. `lambda` has checked it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mapping {
    /// Its name.
    pub uuid: String,
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub region: Region,
    /// The queue, the stream, or the stream's consumer.
    pub source: Arn,
    /// The function as its caller named it: without a qualifier, or with a version or alias.
    pub function: FunctionArn,
    /// Whether it is meant to poll.
    pub is_enabled: bool,
    /// At most this many records in a batch.
    pub batch_size: u32,
    /// How long a batch waits to become full; zero: not at all.
    pub batching_window: Duration,
    /// `Pattern` of each filter; a record that matches none is passed over. None: all match.
    pub filters: Vec<String>,
    /// What the filters are encrypted with, as far as the API is concerned.
    pub kms_key_arn: Option<String>,
    /// `FunctionResponseTypes` has `ReportBatchItemFailures`.
    pub reports_batch_item_failures: bool,
    /// `MetricsConfig` has `EventCount`.
    pub counts_events: bool,
    /// What only this kind of source has.
    pub polling: Polling,
    /// What goes on with it.
    pub state: State,
    /// Why: `StateTransitionReason`.
    pub state_reason: String,
    /// `LastProcessingResult`.
    pub last_processing_result: Option<String>,
    /// When the caller last changed it, or its state changed.
    pub last_modified: Timestamp,
    /// Counts the caller's changes.
    pub revision: u64,
}

/// What only one kind of source has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Polling {
    /// An SQS queue.
    Queue(QueuePolling),
    /// A stream in shards.
    Stream(StreamPolling),
}

/// How a queue is polled.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueuePolling {
    /// Whether it is a FIFO queue.
    pub fifo: bool,
    /// `ScalingConfig`: at most this many batches at a time, 2 to 1,000.
    pub maximum_concurrency: Option<u32>,
    /// `ProvisionedPollerConfig`.
    pub provisioned_pollers: Option<ProvisionedPollers>,
}

/// Pollers of the mapping's own, each with up to 10 batches at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionedPollers {
    /// Always there.
    pub minimum: u32,
    /// When there is much to do.
    pub maximum: u32,
}

/// How a stream is polled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamPolling {
    /// Where it begins in shards without a checkpoint.
    pub start: Start,
    /// How many batches of a shard run at a time, 1 to 10; the records of one partition key are always in order.
    pub parallelization_factor: u32,
    /// Whether a failed batch is halved.
    pub bisects_batch_on_function_error: bool,
    /// How often a failed batch is tried again; `None`: until its records expire.
    pub maximum_retry_attempts: Option<u32>,
    /// Older records are given up; `None`: none before they expire.
    pub maximum_record_age: Option<Duration>,
    /// The length of a tumbling window; zero: none.
    pub tumbling_window: Duration,
    /// Where the record of a batch that was given up goes: a queue or a topic.
    pub on_failure: Option<Arn>,
}

/// `StartingPosition`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Start {
    /// With the oldest record.
    TrimHorizon,
    /// With what comes after the mapping is enabled.
    Latest,
    /// With what arrived at this time or later.
    AtTimestamp(Timestamp),
}

/// `State`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It was made; it does not poll yet.
    Creating,
    /// It polls.
    Enabled,
    /// It will poll.
    Enabling,
    /// It does not poll.
    Disabled,
    /// Its last batches run.
    Disabling,
    /// It goes on with other settings once its last batches have run.
    Updating,
    /// It is gone once its last batches have run.
    Deleting,
}

impl State {
    /// As the API writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Enabled => "Enabled",
            Self::Enabling => "Enabling",
            Self::Disabled => "Disabled",
            Self::Disabling => "Disabling",
            Self::Updating => "Updating",
            Self::Deleting => "Deleting",
        }
    }

    /// Whether the caller may change the mapping.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Enabled | Self::Disabled)
    }
}
