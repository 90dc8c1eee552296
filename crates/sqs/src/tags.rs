//! Tags of queues.

use std::collections::BTreeMap;

use wire::Error;

use crate::errors::invalid;
use crate::tables::QueueKey;

/// "A queue can have at most 50 tags" ("Quotas related to queues" in the developer guide).
const TAGS_MAX: usize = 50;

/// The tags with `given` over them.
pub(crate) fn merge(
    key: &QueueKey,
    tags: &BTreeMap<String, String>,
    given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    for (name, value) in &given {
        check_name(name)?;
        if value.chars().count() > 256 {
            return Err(invalid("Tag values must be between 0 and 256 characters in length."));
        }
    }
    let mut merged = tags.clone();
    merged.extend(given);
    if merged.len() > TAGS_MAX {
        return Err(invalid(format!("Too many tags added for queue {}.", key.name)));
    }
    Ok(merged)
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.chars().count() > 128 {
        return Err(invalid("Tag keys must be between 1 and 128 characters in length."));
    }
    if name.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid("Tag keys can't start with 'aws:'. This prefix is reserved for AWS use."));
    }
    Ok(())
}
