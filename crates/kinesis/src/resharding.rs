//! How a stream comes to a number of shards of equal ranges: by splits first, and merges then.

use std::collections::BTreeSet;

use stream::{Shard, ShardId};

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// This shard, so that the second half begins with this key.
    Split(ShardId, u128),
    /// These two neighbours, the one with the lower keys first.
    Merge(ShardId, ShardId),
}

/// The first keys of `count` shards of equal ranges ("the hash key space is divided evenly", developer guide).
pub(crate) fn starting_hash_keys(count: u32) -> BTreeSet<u128> {
    let count = u128::from(count.max(1));
    // 2^128 does not fit: one less divides to the same unless 2^128 is a multiple of the count.
    let width = (u128::MAX / count).wrapping_add(u128::from(u128::MAX % count == count - 1));
    (0..count).map(|index| index.wrapping_mul(width)).collect()
}

/// The next step to `count` shards of equal ranges; `None` when they are as they should be. A pure function of what is
/// there, so that it does not matter when it was interrupted.
pub(crate) fn next_step(shards: &[Shard], count: u32) -> Option<Step> {
    let wanted = starting_hash_keys(count);
    let mut open: Vec<&Shard> = shards.iter().filter(|shard| shard.closed.is_none()).collect();
    open.sort_by_key(|shard| *shard.hash_keys.start());
    for shard in &open {
        let inside = wanted.range(shard.hash_keys.clone()).find(|key| *key != shard.hash_keys.start());
        if let Some(key) = inside {
            return Some(Step::Split(shard.id, *key));
        }
    }
    let neighbours = open.windows(2).find(|pair| !wanted.contains(pair[1].hash_keys.start()))?;
    Some(Step::Merge(neighbours[0].id, neighbours[1].id))
}

#[cfg(test)]
mod tests;
