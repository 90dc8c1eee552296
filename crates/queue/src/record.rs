//! A message as it is stored: a line of JSON with what is said about it, then its body as it is.
//!
//! A body is text that is often JSON itself: as a field of a JSON record it would grow by its escapes, and be parsed.

use clock::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Bytes, Limits, Mutation, Snapshot, StoreError};
use targets::Attributes;

use crate::rows::Rows;

/// A message in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) sender_id: String,
    /// When it could be received first.
    pub(crate) at: Timestamp,
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub(crate) attributes: Attributes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deduplication_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace_header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dead_letter_source: Option<String>,
    /// How often it was received in the queues that it was in before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) received_before: u32,
    #[serde(skip)]
    pub(crate) body: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this form")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A record that is ready to be written.
#[derive(Debug)]
pub(crate) struct Encoded {
    whole: Bytes,
    /// Rows beside the first.
    pub(crate) parts: u16,
}

impl Record {
    pub(crate) fn encode(&self) -> Result<Encoded, StoreError> {
        let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged(format!("a message: {error}"));
        let mut whole = vec![0; size_of::<u16>()];
        whole.reserve(self.body.len() + 256);
        serde_json::to_writer(&mut whole, self).map_err(|error| damaged(&error))?;
        whole.push(b'\n');
        whole.extend_from_slice(self.body.as_bytes());
        let rows = whole.len().div_ceil(Limits::PORTABLE.value_bytes);
        let parts = u16::try_from(rows - 1).map_err(|error| damaged(&error))?;
        whole[..size_of::<u16>()].copy_from_slice(&parts.to_be_bytes());
        Ok(Encoded { whole: whole.into(), parts })
    }

    fn decode(whole: &[u8]) -> Result<Self, StoreError> {
        let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged(format!("a message: {error}"));
        let text = whole.get(size_of::<u16>()..).unwrap_or_default();
        // JSON has no line break within: it is escaped.
        let end = text.iter().position(|&byte| byte == b'\n').ok_or_else(|| damaged(&"no body"))?;
        let mut record: Self = serde_json::from_slice(&text[..end]).map_err(|error| damaged(&error))?;
        record.body = std::str::from_utf8(&text[end + 1..]).map_err(|error| damaged(&error))?.to_owned();
        Ok(record)
    }

    /// Reads the message that was sent then with that number.
    pub(crate) async fn read(
        snapshot: &dyn Snapshot,
        rows: &Rows,
        sent: Timestamp,
        seq: u64,
    ) -> Result<Option<Self>, StoreError> {
        let Some(first) = snapshot.get(&rows.message(sent, seq)).await? else { return Ok(None) };
        let parts = parts_of(&first.value);
        if parts == 0 {
            return Self::decode(&first.value).map(Some);
        }
        let (from, to) = rows.parts_of(sent, seq);
        let further = snapshot.range(&from, &to, usize::from(parts), false).await?;
        let mut whole = first.value.to_vec();
        further.iter().for_each(|part| whole.extend_from_slice(&part.value));
        Self::decode(&whole).map(Some)
    }
}

/// How many rows a record has beside this first one.
pub(crate) fn parts_of(first_row: &[u8]) -> u16 {
    first_row.first_chunk().map_or(0, |parts| u16::from_be_bytes(*parts))
}

impl Encoded {
    /// Adds: write it.
    pub(crate) fn put(&self, mutations: &mut Vec<Mutation>, rows: &Rows, sent: Timestamp, seq: u64) {
        let size_max = Limits::PORTABLE.value_bytes;
        let slice = |start: usize| self.whole.slice(start..self.whole.len().min(start + size_max));
        mutations.push(Mutation::Put(rows.message(sent, seq), slice(0)));
        for index in 0..self.parts {
            let start = (usize::from(index) + 1) * size_max;
            mutations.push(Mutation::Put(rows.part(sent, seq, index), slice(start)));
        }
    }
}

/// Adds: remove the record.
pub(crate) fn delete(mutations: &mut Vec<Mutation>, rows: &Rows, sent: Timestamp, seq: u64, parts: u16) {
    mutations.push(Mutation::Delete(rows.message(sent, seq)));
    if parts > 0 {
        let (from, to) = rows.parts_of(sent, seq);
        mutations.push(Mutation::DeleteRange(from, to));
    }
}

#[cfg(test)]
mod tests {
    use store::{MemoryStore, Store, Transaction};

    use super::*;
    use crate::QueueId;

    #[tokio::test]
    async fn any_size_is_read_back_and_deleted() {
        let rows = Rows::new(&QueueId("q".to_owned()));
        for size in [0, 1, 65_000, 65_536, 70_000, 1 << 20] {
            let store = MemoryStore::new();
            let record = Record {
                id: "m".to_owned(),
                sender_id: "AIDA".to_owned(),
                at: Timestamp::from_micros(4),
                attributes: Attributes::new(),
                group_id: Some("a\nb".to_owned()),
                deduplication_id: None,
                trace_header: None,
                dead_letter_source: None,
                received_before: 2,
                body: "\n\"é".repeat(size / 4 + 1),
            };
            let encoded = record.encode().unwrap();
            let mut transaction = Transaction::new();
            encoded.put(&mut transaction.mutations, &rows, record.at, 7);
            store.commit(transaction).await.unwrap();
            let snapshot = store.snapshot().await.unwrap();
            let read = Record::read(&*snapshot, &rows, record.at, 7).await.unwrap().unwrap();
            assert_eq!(read.body, record.body);
            assert_eq!((read.group_id, read.received_before), (record.group_id, 2));

            let mut transaction = Transaction::new();
            delete(&mut transaction.mutations, &rows, record.at, 7, encoded.parts);
            store.commit(transaction).await.unwrap();
            let left = store.snapshot().await.unwrap().range(&[], &[0xff], 9, false).await.unwrap();
            assert!(left.is_empty());
        }
    }
}
