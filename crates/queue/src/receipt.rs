//! What a receipt says.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clock::Timestamp;

use crate::entry::{Entry, Fields};
use crate::hash::hash_u64;
use crate::{QueueError, QueueId, Receipt};

/// A receipt, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) seq: u64,
    pub(crate) sent: Timestamp,
    /// When its visibility timeout was to end when it was given; in FIFO queues nothing, because a repeated
    /// attempt gets the same receipt.
    pub(crate) at: Timestamp,
    pub(crate) nonce: u64,
    /// The message's id.
    pub(crate) id: String,
}

impl Claim {
    /// What the receipt for a message says.
    pub(crate) fn new(entry: &Entry, id: &str, is_fifo: bool) -> Self {
        let at = if is_fifo { Timestamp::UNIX_EPOCH } else { entry.at };
        Self { seq: entry.seq, sent: entry.sent, at, nonce: entry.nonce, id: id.to_owned() }
    }

    /// As text for clients.
    pub(crate) fn receipt(&self, queue: &QueueId) -> Receipt {
        let mut bytes = Fields::start();
        bytes.extend_from_slice(&hash_u64(&[queue.0.as_bytes()]).to_be_bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.sent.as_micros().to_be_bytes());
        bytes.extend_from_slice(&self.at.as_micros().to_be_bytes());
        bytes.extend_from_slice(&self.nonce.to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        Receipt(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a receipt of this queue.
    pub(crate) fn read(receipt: &Receipt, queue: &QueueId) -> Result<Self, QueueError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&receipt.0).map_err(|_| QueueError::InvalidReceipt)?;
        Self::parse(&bytes, queue).ok_or(QueueError::InvalidReceipt)
    }

    fn parse(bytes: &[u8], queue: &QueueId) -> Option<Self> {
        let mut fields = Fields::new(bytes).ok()?;
        if u64::from_be_bytes(fields.next().ok()?) != hash_u64(&[queue.0.as_bytes()]) {
            return None;
        }
        Some(Self {
            seq: u64::from_be_bytes(fields.next().ok()?),
            sent: fields.timestamp().ok()?,
            at: fields.timestamp().ok()?,
            nonce: u64::from_be_bytes(fields.next().ok()?),
            id: String::from_utf8(fields.rest().to_vec()).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_queue_takes_a_receipt() {
        let (own, other) = (QueueId("a".to_owned()), QueueId("b".to_owned()));
        let at = Timestamp::from_micros(5);
        let claim = Claim { seq: 1, sent: at, at, nonce: 3, id: "m".to_owned() };
        let receipt = claim.receipt(&own);
        assert_eq!(Claim::read(&receipt, &own).unwrap(), claim);
        let foreign = Receipt("bm90IG91cnM".to_owned());
        let cut = Receipt(receipt.0[..20].to_owned());
        for (receipt, queue) in
            [(&receipt, &other), (&foreign, &own), (&cut, &own), (&Receipt("ü".to_owned()), &own)]
        {
            assert!(matches!(Claim::read(receipt, queue), Err(QueueError::InvalidReceipt)));
        }
    }
}
