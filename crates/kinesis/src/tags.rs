//! Tags of streams and consumers.

use std::collections::BTreeMap;

use api_kinesis::Tag;
use wire::Error;

use crate::errors::invalid;
use crate::tables::StreamKey;

/// "You can assign up to 50 tags to a data stream" (API reference).
const TAGS_MAX: usize = 50;

/// The tags with `given` over them.
pub(crate) fn merge(
    key: &StreamKey,
    tags: &BTreeMap<String, String>,
    given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    if given.iter().flat_map(|(name, value)| [name, value]).any(|text| !text.chars().all(is_allowed)) {
        return Err(invalid(
            "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @ :.",
        ));
    }
    if given.keys().any(|name| name.to_ascii_lowercase().starts_with("aws:")) {
        return Err(invalid(format!(
            "Failed to add tags to stream {} under account {} because tag keys must not start with aws:.",
            key.name, key.account
        )));
    }
    let mut merged = tags.clone();
    merged.extend(given);
    if merged.len() > TAGS_MAX {
        return Err(invalid(format!(
            "Failed to add tags to stream {} under account {} because a given stream cannot have more than {TAGS_MAX} tags \
             associated with it.",
            key.name, key.account
        )));
    }
    Ok(merged)
}

fn is_allowed(letter: char) -> bool {
    letter.is_alphanumeric() || letter.is_whitespace() || "_./=+-%@:".contains(letter)
}

/// As answers show them.
pub(crate) fn show<'a>(tags: impl IntoIterator<Item = (&'a String, &'a String)>) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| Tag { key: key.clone(), value: Some(value.clone()) };
    tags.into_iter().map(tag).collect()
}
