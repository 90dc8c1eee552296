//! What is known of a message without its body, and the small row that says it.

use std::time::Duration;

use clock::Timestamp;
use store::StoreError;

/// Orders messages: when they can be received, then as they were numbered.
pub(crate) type Position = (Timestamp, u64);

/// The first byte of a row; another one is another format.
const FORMAT: u8 = 1;

/// A message without its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Numbers the messages of a queue.
    pub(crate) seq: u64,
    /// When it was sent: retention counts from here.
    pub(crate) sent: Timestamp,
    /// It can be received from then on.
    pub(crate) at: Timestamp,
    /// Stands for its group; 0 for none.
    pub(crate) group: u64,
    /// How many rows its record has beside the first.
    pub(crate) parts: u16,
    /// How often it has been received.
    pub(crate) count: u32,
    /// When it was received for the first time.
    pub(crate) first_received: Timestamp,
    /// When it was received last.
    pub(crate) received: Timestamp,
    /// What its latest receipt has in it.
    pub(crate) nonce: u64,
}

impl Entry {
    /// A message that was not received yet.
    pub(crate) const fn fresh(seq: u64, sent: Timestamp, at: Timestamp, group: u64, parts: u16) -> Self {
        let never = Timestamp::UNIX_EPOCH;
        Self { seq, sent, at, group, parts, count: 0, first_received: never, received: never, nonce: 0 }
    }

    /// The message once it has been received, then, and hidden for so long. Its receipt has `nonce` in it.
    pub(crate) fn received(self, now: Timestamp, visibility_timeout: Duration, nonce: u64) -> Self {
        Self {
            at: now + visibility_timeout,
            count: self.count.saturating_add(1),
            first_received: if self.count == 0 { now } else { self.first_received },
            received: now,
            nonce,
            ..self
        }
    }

    pub(crate) const fn position(&self) -> Position {
        (self.at, self.seq)
    }

    /// Whether its row is in the line: it was neither received nor delayed nor does it come from another queue.
    pub(crate) fn is_in_line(&self) -> bool {
        self.count == 0 && self.at == self.sent
    }

    /// Whether somebody has it.
    pub(crate) fn is_in_flight(&self, now: Timestamp) -> bool {
        self.count > 0 && self.at > now
    }

    /// The value of its row; the position is in the key.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut value = Vec::with_capacity(48);
        value.push(FORMAT);
        value.extend_from_slice(&self.group.to_be_bytes());
        value.extend_from_slice(&self.parts.to_be_bytes());
        if !self.is_in_line() {
            value.extend_from_slice(&self.sent.as_micros().to_be_bytes());
            value.extend_from_slice(&self.count.to_be_bytes());
            value.extend_from_slice(&self.first_received.as_micros().to_be_bytes());
            value.extend_from_slice(&self.received.as_micros().to_be_bytes());
            value.extend_from_slice(&self.nonce.to_be_bytes());
        }
        value
    }

    /// Reads a row of the line.
    pub(crate) fn decode_line((at, seq): Position, value: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields::new(value)?;
        let (group, parts) = (u64::from_be_bytes(fields.next()?), u16::from_be_bytes(fields.next()?));
        Ok(Self::fresh(seq, at, at, group, parts))
    }

    /// Reads a row of those that wait or waited.
    pub(crate) fn decode_waiting((at, seq): Position, value: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields::new(value)?;
        Ok(Self {
            seq,
            at,
            group: u64::from_be_bytes(fields.next()?),
            parts: u16::from_be_bytes(fields.next()?),
            sent: fields.timestamp()?,
            count: u32::from_be_bytes(fields.next()?),
            first_received: fields.timestamp()?,
            received: fields.timestamp()?,
            nonce: u64::from_be_bytes(fields.next()?),
        })
    }
}

/// Takes a binary value apart.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Result<Self, StoreError> {
        match value.split_first() {
            Some((&FORMAT, rest)) => Ok(Self(rest)),
            _ => Err(StoreError::Damaged("a row of a queue in an unknown format".to_owned())),
        }
    }

    /// Starts a value that [`Fields`] can take apart.
    pub(crate) fn start() -> Vec<u8> {
        vec![FORMAT]
    }

    pub(crate) fn next<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (field, rest) = self
            .0
            .split_first_chunk()
            .ok_or_else(|| StoreError::Damaged("a row of a queue is cut short".to_owned()))?;
        self.0 = rest;
        Ok(*field)
    }

    pub(crate) fn timestamp(&mut self) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_micros(i64::from_be_bytes(self.next()?)))
    }

    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_back() {
        let at = |micros| Timestamp::from_micros(micros);
        let line = Entry::fresh(7, at(5), at(5), 9, 2);
        assert_eq!(Entry::decode_line(line.position(), &line.encode()).unwrap(), line);
        let waiting = Entry {
            at: at(-8),
            count: 3,
            first_received: at(6),
            received: at(7),
            nonce: u64::MAX,
            ..Entry::fresh(7, at(5), at(5), 9, 2)
        };
        assert_eq!(Entry::decode_waiting(waiting.position(), &waiting.encode()).unwrap(), waiting);
        assert!(Entry::decode_waiting(line.position(), &line.encode()).is_err());
        assert!(Entry::decode_line(line.position(), &[2, 0]).is_err());
    }
}
