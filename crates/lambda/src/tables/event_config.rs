//! How functions, versions and aliases want their asynchronous events handled: `FunctionEventInvokeConfig`.

use clock::Timestamp;
use ids::Qualifier;
use serde::{Deserialize, Serialize};
use store::{Snapshot, Table, TableError, Transaction};

use crate::tables::function::FunctionKey;

/// By account, region, function's name and qualifier: `$LATEST` for the function itself.
pub(crate) static EVENT_CONFIGS: Table<EventConfigRecord> = Table::new("lambda-event-config");

/// What was asked for; what was not has AWS's default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct EventConfigRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) maximum_retry_attempts: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) maximum_event_age_s: Option<u32>,
    /// An ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on_success: Option<String>,
    /// An ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on_failure: Option<String>,
    pub(crate) last_modified: Timestamp,
}

/// The name under which the configuration of this qualifier is kept.
pub(crate) fn qualifier_text(qualifier: Option<&Qualifier>) -> String {
    qualifier.unwrap_or(&Qualifier::Latest).to_string()
}

/// The configuration of a function, version or alias, if it has one.
pub(crate) async fn find(
    snapshot: &dyn Snapshot,
    key: &FunctionKey,
    qualifier: Option<&Qualifier>,
) -> Result<Option<EventConfigRecord>, TableError> {
    let qualifier = qualifier_text(qualifier);
    let row = EVENT_CONFIGS.get(snapshot, &key.parts_and(qualifier.as_str())).await?;
    Ok(row.map(|row| row.record))
}

/// Adds: the function, with all its versions and aliases, has no configuration any more.
pub(crate) fn delete_all(transaction: &mut Transaction, key: &FunctionKey) {
    EVENT_CONFIGS.delete_all(transaction, &key.parts());
}

/// Adds: this version or alias has no configuration any more.
pub(crate) fn delete(transaction: &mut Transaction, key: &FunctionKey, qualifier: &str) {
    EVENT_CONFIGS.delete(transaction, &key.parts_and(qualifier));
}
