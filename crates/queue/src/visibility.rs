//! Changing how long messages stay hidden.

use std::time::Duration;

use store::{Mutation, Transaction};

use crate::entry::Entry;
use crate::head::{Head, Item, Work};
use crate::queue::Queue;
use crate::receipt::Claim;
use crate::settling::Settling;
use crate::{QueueError, Receipt};

/// A message can be hidden for so long since it was received (Amazon SQS developer guide, "Visibility timeout").
const HIDDEN_MAX: Duration = Duration::from_secs(12 * 60 * 60);

type Change = Result<(Claim, Duration), QueueError>;

/// Takes the message and changes it, or says why not.
fn change(head: &mut Head, work: &mut Work, claim: &Claim, timeout: Duration) -> Result<(), QueueError> {
    let missing = || match head.settings.fifo {
        Some(_) => QueueError::ReceiptExpired,
        None => QueueError::NotInFlight,
    };
    // The same message may be named twice in one call: the last one holds.
    let known = work.items.iter().position(|item| item.seq == claim.seq);
    let before = match known {
        Some(index) => work.items[index].after,
        None => head.in_flight(claim.seq).copied(),
    };
    let before = before.filter(|entry| entry.nonce == claim.nonce).ok_or_else(missing)?;
    let after = Entry { at: head.now + timeout, ..before };
    if after.at > before.received + HIDDEN_MAX {
        return Err(QueueError::VisibilityTooLong);
    }
    match known {
        Some(index) => work.items[index].after = Some(after),
        None => {
            let before = head.take_in_flight(claim.seq);
            work.items.push(Item { seq: claim.seq, before, after: Some(after) });
        }
    }
    Ok(())
}

impl Queue {
    /// Has messages hidden for so long from now (zero: not at all), in one commit; one result for each, in order.
    pub async fn change_visibility(&self, changes: &[(Receipt, Duration)]) -> Vec<Result<(), QueueError>> {
        let changes: Vec<Change> = changes
            .iter()
            .map(|(receipt, timeout)| Claim::read(receipt, self.id()).map(|claim| (claim, *timeout)))
            .collect();
        let mut settling = Settling::of(self, &[]);
        let mut results = match self.change(&changes, &mut settling).await {
            Ok(results) => results,
            Err(error) => return changes.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut transaction = Transaction::new();
        let rows = self.rows();
        for item in &settling.work.items {
            let (Some(before), Some(after)) = (item.before, item.after) else { continue };
            transaction.mutations.push(Mutation::Delete(rows.entry(&before)));
            transaction.mutations.push(Mutation::Put(rows.entry(&after), after.encode().into()));
        }
        if transaction.mutations.is_empty() {
            return results;
        }
        let queue = self.clone();
        let outcome = self.see_through(async move {
            let (settled, result) = queue.commit(transaction).await;
            settling.settle(settled);
            result
        });
        if let Err(error) = outcome.await {
            results
                .iter_mut()
                .filter(|result| result.is_ok())
                .for_each(|result| *result = Err(error.clone()));
        }
        results
    }

    /// Takes all at once, so that two callers never wait for each other.
    async fn change(
        &self,
        changes: &[Change],
        settling: &mut Settling,
    ) -> Result<Vec<Result<(), QueueError>>, QueueError> {
        loop {
            let settled = self.settled();
            let changed = self.on_head(|head, _| {
                if changes.iter().flatten().any(|(claim, _)| head.is_busy(claim.seq)) {
                    return Some(None);
                }
                let results = changes.iter().map(|known| match known {
                    Ok((claim, timeout)) => change(head, &mut settling.work, claim, *timeout),
                    Err(error) => Err(error.clone()),
                });
                Some(Some(results.collect()))
            });
            match changed.await? {
                Some(results) => return Ok(results),
                None => settled.await,
            }
        }
    }
}
