//! Giving messages up before they have been received too often.

use std::time::Duration;

use crate::handing::Handing;
use crate::queue::Queue;
use crate::receipt::Claim;
use crate::{QueueError, Receipt, Receive};

impl Queue {
    /// Moves messages that are in flight to the dead-letter queue, if there is one, else deletes them: in one commit, as
    /// far as they fit into it. What does not comes back when its visibility timeout ends. `condition` says why, in
    /// the message's story.
    ///
    /// # Errors
    /// When the queue was removed or the store fails: then all are as they were.
    pub async fn give_up(&self, receipts: &[Receipt], condition: &'static str) -> Result<(), QueueError> {
        let request =
            Receive { max_messages: 0, visibility_timeout: None, wait: Duration::ZERO, attempt_id: None };
        let claims: Vec<Claim> =
            receipts.iter().filter_map(|receipt| Claim::read(receipt, self.id()).ok()).collect();
        let handing = loop {
            let settled = self.settled();
            let gripped = self.on_head(|head, _| {
                if claims.iter().any(|claim| head.is_busy(claim.seq)) {
                    return Some(None);
                }
                let mut taken = Vec::with_capacity(claims.len());
                for claim in &claims {
                    if head.in_flight(claim.seq).is_some_and(|entry| entry.nonce == claim.nonce) {
                        taken.extend(head.take_in_flight(claim.seq));
                    }
                }
                Some(Some(taken))
            });
            match gripped.await? {
                Some(taken) => break Handing::new(self, taken, &request),
                None => settled.await,
            }
        };
        self.see_through(handing.give_up(condition)).await
    }
}
