//! Deleting.

use store::{Mutation, Transaction};
use targets::{Settled, What};

use crate::entry::Entry;
use crate::handing::delete;
use crate::head::{Head, Item};
use crate::order::Which;
use crate::queue::Queue;
use crate::receipt::Claim;
use crate::record;
use crate::settling::Settling;
use crate::{QueueError, Receipt};

/// What became of a message that is to be deleted.
enum Found {
    InFlight(Entry),
    /// It was visible: its row may be one that was left behind.
    Visible(Entry),
    /// It is not in memory. Nobody else gets it.
    Unseen,
    /// It was named before in the same call.
    Again,
    /// Its receipt is not the latest, or its visibility timeout has ended: FIFO queues only.
    Expired,
    Gone,
}

fn find(head: &mut Head, claim: &Claim) -> Found {
    if claim.seq < head.floor {
        return Found::Gone;
    }
    if head.is_busy(claim.seq) {
        return Found::Again;
    }
    if head.settings.fifo.is_some() {
        return match head.in_flight(claim.seq) {
            Some(entry) if entry.nonce == claim.nonce => {
                head.take_in_flight(claim.seq).map_or(Found::Expired, Found::InFlight)
            }
            _ => Found::Expired,
        };
    }
    // In standard queues any receipt deletes the message: "Amazon SQS can delete a message from a queue even if a
    // visibility timeout setting causes the message to be locked by another consumer" (API reference, DeleteMessage).
    let which = Which { seq: claim.seq, group: 0, sent: claim.sent, at: claim.at, is_fresh: false };
    if let Some(entry) = head.take_in_flight(claim.seq) {
        return Found::InFlight(entry);
    }
    head.take_any(&which).map_or(Found::Unseen, Found::Visible)
}

impl Queue {
    /// Deletes in one commit; one result for each, in order. What is deleted already is deleted.
    pub async fn delete(&self, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let claims: Vec<_> = receipts.iter().map(|receipt| Claim::read(receipt, self.id())).collect();
        let good: Vec<Claim> = claims.iter().filter_map(|claim| claim.as_ref().ok().cloned()).collect();
        let mut deleted = match self.delete_claimed(good).await {
            Ok(results) => results.into_iter(),
            Err(error) => {
                return claims.into_iter().map(|claim| Err(claim.err().unwrap_or(error.clone()))).collect();
            }
        };
        claims.into_iter().map(|claim| claim.and_then(|_| deleted.next().unwrap_or(Ok(())))).collect()
    }

    /// Takes all at once, so that two callers never wait for each other.
    async fn grip(&self, claims: &[Claim], settling: &mut Settling) -> Result<Vec<Found>, QueueError> {
        loop {
            let settled = self.settled();
            let gripped = self.on_head(|head, _| {
                if claims.iter().any(|claim| head.is_busy(claim.seq)) {
                    return Some(None);
                }
                let mut found = Vec::with_capacity(claims.len());
                for claim in claims {
                    found.push(find(head, claim));
                    let before = match found.last() {
                        Some(Found::InFlight(entry) | Found::Visible(entry)) => Some(*entry),
                        Some(Found::Unseen) => None,
                        _ => continue,
                    };
                    settling.work.items.push(Item { seq: claim.seq, before, after: None });
                }
                Some(Some(found))
            });
            match gripped.await? {
                Some(found) => return Ok(found),
                None => settled.await,
            }
        }
    }

    async fn delete_claimed(&self, claims: Vec<Claim>) -> Result<Vec<Result<(), QueueError>>, QueueError> {
        let mut settling = Settling::of(self, &[]);
        let found = self.grip(&claims, &mut settling).await?;
        let mut transaction = Transaction::new();
        let mut results = Vec::with_capacity(claims.len());
        let mut deleted = Vec::new();
        for (claim, found) in claims.into_iter().zip(found) {
            let is_there = match found {
                Found::InFlight(entry) => {
                    delete(&mut transaction, self, &entry);
                    true
                }
                Found::Visible(entry) if self.find_parts(&claim).await?.is_some() => {
                    delete(&mut transaction, self, &entry);
                    true
                }
                Found::Visible(entry) => {
                    transaction.mutations.push(Mutation::Delete(self.rows().entry(&entry)));
                    false
                }
                Found::Unseen => self.delete_unseen(&claim, &mut transaction).await?,
                Found::Expired if self.find_parts(&claim).await?.is_some() => {
                    results.push(Err(QueueError::ReceiptExpired));
                    continue;
                }
                Found::Expired | Found::Again | Found::Gone => false,
            };
            if is_there {
                deleted.push(claim.id);
            }
            results.push(Ok(()));
        }
        if transaction.mutations.is_empty() {
            settling.settle(Settled::Committed);
            return Ok(results);
        }
        let queue = self.clone();
        self.see_through(async move {
            let (settled, result) = queue.commit(transaction).await;
            if result.is_ok() && !queue.is_untraced() {
                deleted.into_iter().for_each(|id| queue.trace(id, What::Deleted));
            }
            settling.settle(settled);
            result.map(|()| results)
        })
        .await
    }

    /// How many rows the message has beside the first, if it is there.
    async fn find_parts(&self, claim: &Claim) -> Result<Option<u16>, QueueError> {
        let snapshot = self.platform().store.snapshot().await?;
        let message = snapshot.get(&self.rows().message(claim.sent, claim.seq)).await?;
        Ok(message.map(|message| record::parts_of(&message.value)))
    }

    /// The row that says when it can be received may be anywhere by now: if it is not where the receipt says, it is
    /// left behind, and goes when somebody meets it or its time is over.
    async fn delete_unseen(&self, claim: &Claim, transaction: &mut Transaction) -> Result<bool, QueueError> {
        let Some(parts) = self.find_parts(claim).await? else { return Ok(false) };
        let entry = Entry { count: 1, parts, ..Entry::fresh(claim.seq, claim.sent, claim.at, 0, 0) };
        delete(transaction, self, &entry);
        Ok(true)
    }
}
