use std::collections::BTreeSet;

use clock::Timestamp;
use proptest::prelude::*;
use stream::SequenceNumber;

use super::*;

fn shard(id: u32, hash_keys: std::ops::RangeInclusive<u128>) -> Shard {
    Shard {
        id: ShardId(id),
        parent: None,
        adjacent_parent: None,
        hash_keys,
        starting: SequenceNumber(0),
        created: Timestamp::UNIX_EPOCH,
        closed: None,
    }
}

/// Does the steps and returns the first keys in the end, with the number of steps.
fn reshard(mut shards: Vec<Shard>, count: u32) -> (BTreeSet<u128>, usize) {
    let mut steps = 0;
    while let Some(step) = next_step(&shards, count) {
        steps += 1;
        assert!(steps < 1_000, "it comes to an end");
        let next = u32::try_from(shards.len()).unwrap();
        let mut close = |id: ShardId| {
            let shard = shards.iter_mut().find(|shard| shard.id == id && shard.closed.is_none()).unwrap();
            shard.closed = Some((SequenceNumber(1), Timestamp::UNIX_EPOCH));
            shard.hash_keys.clone()
        };
        match step {
            Step::Split(id, key) => {
                let keys = close(id);
                assert!(keys.contains(&key) && key != *keys.start());
                shards.push(shard(next, *keys.start()..=key - 1));
                shards.push(shard(next + 1, key..=*keys.end()));
            }
            Step::Merge(low, high) => {
                let (low, high) = (close(low), close(high));
                assert_eq!(low.end() + 1, *high.start());
                shards.push(shard(next, *low.start()..=*high.end()));
            }
        }
    }
    let open = shards.iter().filter(|shard| shard.closed.is_none());
    (open.map(|shard| *shard.hash_keys.start()).collect(), steps)
}

#[test]
fn ranges_are_as_aws_makes_them() {
    let keys: Vec<u128> = starting_hash_keys(3).into_iter().collect();
    assert_eq!(
        keys,
        [
            0,
            113_427_455_640_312_821_154_458_202_477_256_070_485,
            226_854_911_280_625_642_308_916_404_954_512_140_970
        ]
    );
    assert_eq!(starting_hash_keys(2).into_iter().nth(1), Some(1 << 127));
    assert_eq!(starting_hash_keys(1).into_iter().collect::<Vec<_>>(), [0]);
}

#[test]
fn doubling_splits_each_and_halving_merges_pairs() {
    let whole = vec![shard(0, 0..=u128::MAX)];
    assert_eq!(reshard(whole, 2), (starting_hash_keys(2), 1));
    let halves = vec![shard(0, 0..=(1 << 127) - 1), shard(1, 1 << 127..=u128::MAX)];
    assert_eq!(next_step(&halves, 1), Some(Step::Merge(ShardId(0), ShardId(1))));
    assert_eq!(reshard(halves, 2), (starting_hash_keys(2), 0));
}

proptest! {
    #[test]
    fn any_ranges_become_equal_ones(cuts in prop::collection::btree_set(1..=u128::MAX, 0..20), count in 1_u32..40) {
        let starts: Vec<u128> = std::iter::once(0).chain(cuts).collect();
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([u128::MAX]);
        let shards = (0..).zip(starts.iter().zip(ends)).map(|(id, (start, end))| shard(id, *start..=end)).collect();
        prop_assert_eq!(reshard(shards, count).0, starting_hash_keys(count));
    }
}
