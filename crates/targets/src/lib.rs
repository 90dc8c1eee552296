//! What services and the engine may ask of each other.
//!
//! Services never import one another: each asks through a port defined here, and `server` fills one complete
//! set of ports before the listener opens.

mod agenda;
mod credentials;
mod delivery;
mod logs;
mod message;
mod metrics;
mod target;
mod trace;
mod usage;

pub use agenda::{Agenda, Due};
pub use credentials::{Credentials, VendCredentials};
pub use delivery::{Prepared, Settled, TargetError};
pub use logs::{LogLine, LogStream, WriteLogs};
pub use message::{AttributeValue, Attributes, FunctionEvent, MessageAttribute, QueueMessage, TopicMessage};
pub use metrics::{MetricSource, RecordMetrics, SampleGauges, Sampled, Unit};
pub use target::{InvokeFunction, Ports, PublishToTopic, QueueInfo, SendToQueue, Targets, TopicInfo};
pub use trace::{Attempted, FailedEvent, RecordTrace, Step, What};
pub use usage::{RecordUsage, Usage};
