//! Shards as requests name them.

use stream::{Shard, ShardId};
use wire::Error;

use crate::directory::OpenStream;
use crate::errors::{shard_missing, shard_unknown, stream_failed};

/// The shard that a reader names.
pub(crate) async fn find(open: &OpenStream, name: &str) -> Result<Shard, Error> {
    let id = shard_id(name).ok_or_else(|| shard_unknown(&open.key, name))?;
    let shards = open.stream.shards().await.map_err(|error| stream_failed(&open.key, &error))?;
    shards.into_iter().find(|shard| shard.id == id).ok_or_else(|| shard_missing(&open.key, id))
}

/// The number in a shard's name as requests have it: `shardId-000000000000`, or any other prefix, or none (recorded by a
/// public test suite).
pub(crate) fn shard_id(text: &str) -> Option<ShardId> {
    let digits = text.split_once('-').map_or(text, |(_, digits)| digits);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).filter(|number| *number <= i32::MAX.unsigned_abs()).map(ShardId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_named_by_their_numbers() {
        for (text, number) in [
            ("shardId-000000000007", Some(7)),
            ("shardId-7", Some(7)),
            ("a-7", Some(7)),
            ("7", Some(7)),
            ("2147483647", Some(2_147_483_647)),
            ("2147483648", None),
            ("shardId-", None),
            ("shardId-+7", None),
            ("-", None),
            ("seven", None),
            ("", None),
        ] {
            assert_eq!(shard_id(text), number.map(ShardId), "{text}");
        }
    }
}
