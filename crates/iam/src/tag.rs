//! Tags of roles: "tag keys are case insensitive, but case is preserved" (IAM user guide, "Tags for IAM resources").

use std::collections::BTreeMap;

use api_iam::Tag;
use wire::Error;

use crate::errors::{invalid_input, limit_exceeded};
use crate::tables::TagRecord;

/// "Tags that can be attached to a role: 50" (IAM user guide, quotas).
const TAGS_MAX: usize = 50;

/// What tags are stored under.
pub(crate) fn fold(key: &str) -> String {
    key.to_lowercase()
}

/// Reads new tags.
///
/// # Errors
/// `InvalidInput` when a key comes twice or is reserved.
pub(crate) fn read(tags: Vec<Tag>) -> Result<BTreeMap<String, TagRecord>, Error> {
    let mut read = BTreeMap::new();
    for Tag { key, value } in tags {
        let folded = fold(&key);
        if folded.starts_with("aws:") {
            return Err(invalid_input("aws: prefixed tag key names are not allowed for external use."));
        }
        if read.insert(folded, TagRecord { key, value }).is_some() {
            return Err(invalid_input(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    Ok(read)
}

/// Adds `new` to a role's tags, in place of those with the same keys.
///
/// # Errors
/// `LimitExceeded`.
pub(crate) fn add(
    tags: &mut BTreeMap<String, TagRecord>,
    new: BTreeMap<String, TagRecord>,
) -> Result<(), Error> {
    tags.extend(new);
    if tags.len() > TAGS_MAX {
        return Err(limit_exceeded("The number of tags has reached the maximum limit."));
    }
    Ok(())
}

/// Tags, sorted by their keys.
pub(crate) fn show(tags: &BTreeMap<String, TagRecord>) -> Vec<Tag> {
    tags.values().map(|tag| Tag { key: tag.key.clone(), value: tag.value.clone() }).collect()
}
