//! Making shards, splitting and merging them.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use clock::{Hold, Timestamp};
use store::{CommitError, Mutation, Transaction};
use targets::Prepared;
use tokio::sync::oneshot;

use crate::head::Head;
use crate::put::lost;
use crate::stream::Stream;
use crate::write::Request;
use crate::{SequenceNumber, Shard, ShardId, StreamError};

/// A change of shards.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reshard {
    Split(ShardId, u128),
    Merge(ShardId, ShardId),
}

/// A change of shards that somebody wants.
#[derive(Debug)]
pub(crate) struct ReshardRequest {
    pub(crate) reshard: Reshard,
    pub(crate) answer: oneshot::Sender<Result<(), StreamError>>,
    pub(crate) hold: Hold,
}

/// What a change of shards leaves.
struct Plan {
    epoch: u64,
    closed: Vec<Shard>,
    opened: Vec<Shard>,
}

/// The first hash keys of `count` shards of equal ranges ("the hash key space is divided evenly",
/// developer guide).
#[must_use]
pub fn starting_hash_keys(count: u32) -> BTreeSet<u128> {
    let parts = u128::from(count.max(1));
    // 2^128 does not fit: one less divides to the same unless 2^128 is a multiple of the count.
    let width = (u128::MAX / parts).wrapping_add(u128::from(u128::MAX % parts == parts - 1));
    (0..u128::from(count)).map(|index| index.wrapping_mul(width)).collect()
}

impl Stream {
    /// What is to be written so that the stream begins with `count` shards of equal ranges; joins the commit that makes
    /// the stream itself.
    pub fn prepare_shards(&self, count: u32) -> Prepared {
        let now = self.platform().clock.now();
        let mut part = Transaction::new();
        let starts = starting_hash_keys(count);
        let ends = starts.iter().skip(1).map(|next| next - 1).chain([u128::MAX]);
        for (number, (start, end)) in (0..).zip(starts.iter().zip(ends)) {
            let id = ShardId(number);
            let shard = Shard {
                id,
                parent: None,
                adjacent_parent: None,
                hash_keys: *start..=end,
                starting: SequenceNumber::ZERO.successor(now, id),
                created: now,
                closed: None,
            };
            part.mutations.push(self.put_of(&shard));
        }
        let stream = self.clone();
        Prepared::new(self.id().0.clone(), part, move |settled| stream.unload_unless_abandoned(settled))
    }

    /// Closes a shard and opens two: up to before `starting_hash_key`, and from there.
    ///
    /// # Errors
    /// [`StreamError::HashKey`] when the key does not lie inside, [`StreamError::Closed`], [`StreamError::NoShard`], and
    /// when the store fails.
    pub async fn split(&self, shard: ShardId, starting_hash_key: u128) -> Result<(), StreamError> {
        self.ask_to_reshard(Reshard::Split(shard, starting_hash_key)).await
    }

    /// Closes two neighbours and opens one.
    ///
    /// # Errors
    /// [`StreamError::HashKey`] when they are not neighbours; else as [`Stream::split`].
    pub async fn merge(&self, shard: ShardId, adjacent: ShardId) -> Result<(), StreamError> {
        self.ask_to_reshard(Reshard::Merge(shard, adjacent)).await
    }

    async fn ask_to_reshard(&self, reshard: Reshard) -> Result<(), StreamError> {
        let hold = self.platform().clock.hold();
        let (answer, answered) = oneshot::channel();
        self.enqueue(Request::Reshard(ReshardRequest { reshard, answer, hold: hold.clone() }));
        answered.await.unwrap_or_else(|_| Err(lost()))
    }

    /// The writer's part.
    pub(crate) async fn reshard(&self, reshard: Reshard, hold: &Hold) -> Result<(), StreamError> {
        let parents = match reshard {
            Reshard::Split(shard, _) => vec![shard],
            Reshard::Merge(shard, adjacent) => vec![shard, adjacent],
        };
        for parent in parents {
            self.on_shard(parent, |_| ()).await?;
        }
        let now = self.platform().clock.now();
        let Plan { epoch, closed, opened } = self.on_head(|head, _| head.plan(reshard, now)).await??;
        let mut transaction = Transaction::new();
        for shard in closed.iter().chain(&opened) {
            transaction.mutations.push(self.put_of(shard));
        }
        if let Err(error) = self.platform().store.commit(transaction).await {
            if matches!(error, CommitError::Unknown(_)) {
                self.unload();
            }
            return Err(error.into());
        }
        self.locked(|head, _| {
            if head.epoch != epoch {
                return head.unload(hold);
            }
            closed.into_iter().for_each(|shard| head.close(shard, now, hold));
            opened.into_iter().for_each(|shard| head.put_shard(shard, now));
            head.resharded.wake(hold);
        });
        Ok(())
    }

    fn put_of(&self, shard: &Shard) -> Mutation {
        let value = serde_json::to_vec(shard).expect("numbers and lists of numbers can be written as JSON");
        Mutation::Put(self.rows().shard(shard.id), value.into())
    }
}

impl Head {
    /// What the change would leave. The tips are known.
    fn plan(&mut self, reshard: Reshard, now: Timestamp) -> Result<Plan, StreamError> {
        let epoch = self.epoch;
        let first = self.next_shard();
        let (closed, opened) = match reshard {
            Reshard::Split(shard, starting_hash_key) => {
                let closed = self.closing(shard, now)?;
                let (start, end) = (*closed.hash_keys.start(), *closed.hash_keys.end());
                if starting_hash_key <= start || starting_hash_key > end {
                    return Err(StreamError::HashKey);
                }
                let lower = child(first, [&closed, &closed], start..=starting_hash_key - 1, now);
                let second = ShardId(first.0 + 1);
                let upper = child(second, [&closed, &closed], starting_hash_key..=end, now);
                (vec![closed], vec![lower, upper])
            }
            Reshard::Merge(shard, adjacent) => {
                let (shard, adjacent) = (self.closing(shard, now)?, self.closing(adjacent, now)?);
                let (keys, others) = (&shard.hash_keys, &adjacent.hash_keys);
                let range = if keys.end().checked_add(1) == Some(*others.start()) {
                    *keys.start()..=*others.end()
                } else if others.end().checked_add(1) == Some(*keys.start()) {
                    *others.start()..=*keys.end()
                } else {
                    return Err(StreamError::HashKey);
                };
                let merged = child(first, [&shard, &adjacent], range, now);
                (vec![shard, adjacent], vec![merged])
            }
        };
        Ok(Plan { epoch, closed, opened })
    }

    /// The shard as it would be if it were closed now.
    fn closing(&mut self, id: ShardId, now: Timestamp) -> Result<Shard, StreamError> {
        let head = self.shard(id).ok_or(StreamError::NoShard)?;
        if head.shard.closed.is_some() {
            return Err(StreamError::Closed);
        }
        // It was looked up just before, so this is not the first use of the shard.
        let given = head.tip.as_ref().map_or(head.shard.starting, |tip| tip.given);
        let ending = given.successor(now, id);
        Ok(Shard { closed: Some((ending, now.max(ending.arrived()))), ..head.shard.clone() })
    }
}

fn child(id: ShardId, parents: [&Shard; 2], hash_keys: RangeInclusive<u128>, now: Timestamp) -> Shard {
    let ending = parents.iter().filter_map(|parent| parent.closed).map(|(ending, _)| ending).max();
    let [parent, adjacent] = parents.map(|parent| parent.id);
    Shard {
        id,
        parent: Some(parent),
        adjacent_parent: (adjacent != parent).then_some(adjacent),
        hash_keys,
        starting: ending.unwrap_or(SequenceNumber::ZERO).successor(now, id),
        created: now,
        closed: None,
    }
}
