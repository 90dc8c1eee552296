//! The settings for text messages.

use std::collections::BTreeMap;

use store::Table;

/// By account and region.
pub(crate) static SMS_ATTRIBUTES: Table<BTreeMap<String, String>> = Table::new("sns-sms-attributes");
