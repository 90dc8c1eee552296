//! What all batches have in common.

use std::collections::HashSet;

use api_sqs::BatchResultErrorEntry;
use wire::Error;

use crate::errors::{batch_empty, batch_id_invalid, batch_id_repeated, batch_too_many};

const ENTRIES_MAX: usize = 10;
const ID_LETTERS_MAX: usize = 80;

/// The entries with their ids, if there are neither too few nor too many and each has an id of its own. `name` is what an
/// entry is called.
pub(crate) fn checked<E>(
    entries: Option<Vec<E>>,
    name: &str,
    id: impl Fn(&mut E) -> Option<String>,
) -> Result<Vec<(String, E)>, Error> {
    let entries = entries.filter(|entries| !entries.is_empty()).ok_or_else(|| batch_empty(name))?;
    if entries.len() > ENTRIES_MAX {
        return Err(batch_too_many(entries.len()));
    }
    let mut ids = HashSet::new();
    entries
        .into_iter()
        .map(|mut entry| {
            let id = id(&mut entry).filter(|id| is_id(id)).ok_or_else(batch_id_invalid)?;
            if ids.insert(id.clone()) { Ok((id, entry)) } else { Err(batch_id_repeated(&id)) }
        })
        .collect()
}

fn is_id(id: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=ID_LETTERS_MAX).contains(&id.len()) && id.bytes().all(is_letter)
}

/// An entry that failed.
pub(crate) fn failed(id: String, error: &Error) -> BatchResultErrorEntry {
    BatchResultErrorEntry {
        id,
        sender_fault: error.sender(),
        code: error.code().to_owned(),
        message: error.message().map(str::to_owned),
    }
}

/// Empty lists are left out of answers.
pub(crate) fn unless_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}
