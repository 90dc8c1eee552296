//! How a stream comes to a number of shards of equal ranges: by splits first, and merges then.

use stream::{Shard, ShardId, starting_hash_keys};

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// This shard, so that the second half begins with this key.
    Split(ShardId, u128),
    /// These two neighbours, the one with the lower keys first.
    Merge(ShardId, ShardId),
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
