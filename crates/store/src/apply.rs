//! What a transaction means, once for every backend.

use bytes::Bytes;

use crate::{Check, CommitError, Fence, Limits, Mutation, StoreError, Transaction, Version};

/// The state that a backend lets a transaction read and change.
pub(crate) trait State {
    /// The value under `key` and the version that wrote it.
    fn get(&self, key: &[u8]) -> Result<Option<(Bytes, Version)>, StoreError>;
    /// Writes an entry.
    fn put(&mut self, key: &Bytes, value: &Bytes, version: Version) -> Result<(), StoreError>;
    /// Removes an entry, if there is one.
    fn delete(&mut self, key: &Bytes) -> Result<(), StoreError>;
    /// Removes all entries with `from <= key < to`; called with `from < to` only.
    fn delete_range(&mut self, from: &Bytes, to: &Bytes) -> Result<(), StoreError>;
}

/// Refuses what not every backend could hold.
pub(crate) fn check_limits(transaction: &Transaction) -> Result<(), CommitError> {
    let limits = Limits::PORTABLE;
    let mut total = 0_usize;
    let mut measure = |key: &Bytes, value: usize| {
        if key.len() > limits.key_bytes {
            return Err(CommitError::TooLarge(format!(
                "a key of {} bytes (at most {})",
                key.len(),
                limits.key_bytes
            )));
        }
        if value > limits.value_bytes {
            return Err(CommitError::TooLarge(format!(
                "a value of {value} bytes (at most {})",
                limits.value_bytes
            )));
        }
        total += key.len() + value;
        Ok(())
    };
    for check in &transaction.checks {
        match check {
            Check::Version(key, _) | Check::Absent(key) | Check::Present(key) => measure(key, 0)?,
            Check::Equals(key, value) => measure(key, value.len())?,
        }
    }
    for mutation in &transaction.mutations {
        match mutation {
            Mutation::Put(key, value) => measure(key, value.len())?,
            Mutation::Delete(key) => measure(key, 0)?,
            // The ends of a range are never stored, and `prefix_end` may be one byte longer than any key.
            Mutation::DeleteRange(from, to) => measure(&Bytes::new(), from.len() + to.len())?,
            Mutation::Add(key, _) => measure(key, size_of::<i64>())?,
        }
    }
    if let Some(fence) = &transaction.fence {
        measure(&fence.lease_key, size_of::<u64>())?;
    }
    if total > limits.transaction_bytes {
        return Err(CommitError::TooLarge(format!(
            "a transaction of {total} bytes (at most {})",
            limits.transaction_bytes
        )));
    }
    Ok(())
}

/// Applies `transaction` as `version`. Every refusal comes before the first change; after an engine's error the
/// state is unfit to be kept.
pub(crate) fn apply(
    state: &mut impl State,
    transaction: &Transaction,
    version: Version,
) -> Result<(), CommitError> {
    if let Some(fence) = &transaction.fence {
        check_fence(state, fence)?;
    }
    for check in &transaction.checks {
        let (key, holds) = match check {
            Check::Version(key, version) => (key, state.get(key)?.is_some_and(|(_, is)| is == *version)),
            Check::Absent(key) => (key, state.get(key)?.is_none()),
            Check::Present(key) => (key, state.get(key)?.is_some()),
            Check::Equals(key, value) => (key, state.get(key)?.is_some_and(|(is, _)| is == *value)),
        };
        if !holds {
            return Err(CommitError::Conflict(key.clone()));
        }
    }
    check_counters(state, &transaction.mutations)?;
    for mutation in &transaction.mutations {
        match mutation {
            Mutation::Put(key, value) => state.put(key, value, version)?,
            Mutation::Delete(key) => state.delete(key)?,
            Mutation::DeleteRange(from, to) if from < to => state.delete_range(from, to)?,
            Mutation::DeleteRange(..) => {}
            Mutation::Add(key, delta) => {
                let before = state.get(key)?.and_then(|(value, _)| counter(&value)).unwrap_or(0);
                let after = before.saturating_add(*delta);
                state.put(key, &Bytes::copy_from_slice(&after.to_le_bytes()), version)?;
            }
        }
    }
    Ok(())
}

fn check_fence(state: &impl State, fence: &Fence) -> Result<(), CommitError> {
    let lease = state.get(&fence.lease_key)?;
    if lease.is_some_and(|(value, _)| value[..] == fence.epoch.to_le_bytes()) {
        Ok(())
    } else {
        Err(CommitError::Fenced)
    }
}

/// Adding to something that is not a counter would destroy it: that is an unwritten check that does not hold.
fn check_counters(state: &impl State, mutations: &[Mutation]) -> Result<(), CommitError> {
    for (index, mutation) in mutations.iter().enumerate() {
        let Mutation::Add(key, _) = mutation else { continue };
        let written_before = mutations[..index].iter().rev().find_map(|earlier| match earlier {
            Mutation::Put(other, value) if other == key => Some(counter(value).is_some()),
            Mutation::Delete(other) | Mutation::Add(other, _) if other == key => Some(true),
            Mutation::DeleteRange(from, to) if from <= key && key < to => Some(true),
            _ => None,
        });
        let is_counter = match written_before {
            Some(is_counter) => is_counter,
            None => state.get(key)?.is_none_or(|(value, _)| counter(&value).is_some()),
        };
        if !is_counter {
            return Err(CommitError::Conflict(key.clone()));
        }
    }
    Ok(())
}

fn counter(value: &[u8]) -> Option<i64> {
    Some(i64::from_le_bytes(value.try_into().ok()?))
}
