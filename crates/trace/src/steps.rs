//! Steps in the store: in segments, which are filled one after the other and removed whole.
//!
//! A segment is a prefix of the keys, so that the oldest thousands of steps go with one range. Who looks for a
//! subject looks into each segment, of which there are few.

use store::{KeyReader, Mutation, Snapshot, StoreError, TableError, Transaction, prefix_end};
use targets::{FailedEvent, Step, What};

use crate::bounds::Bounds;
use crate::tables::{OFFSPRING, STEPS};

/// The longest text of a step; a function's error message may be megabytes. Three of them, six times as long as JSON,
/// must fit an entry of the store.
const TEXT_BYTES_MAX: usize = 2 << 10;
/// The longest id. Ours are shorter; this keeps any within what a key can hold.
const ID_BYTES_MAX: usize = 512;
/// How many rows are read at once.
const PAGE: usize = 1_000;

/// Where the next step goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    segment: u64,
    sequence: u64,
    /// What the segment holds already.
    steps: u64,
    bytes: u64,
}

/// A step and when it was recorded: by segment, then sequence.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) order: (u64, u64),
    pub(crate) step: Step,
}

/// Cuts what is too long to be stored, or to be read.
pub(crate) fn shortened(mut step: Step) -> Step {
    let shorten = |text: &mut String| cut(text, TEXT_BYTES_MAX);
    cut(&mut step.subject, ID_BYTES_MAX);
    shorten(&mut step.resource);
    match &mut step.what {
        What::Accepted { by, from, .. } => {
            shorten(by);
            if let Some(from) = from {
                cut(from, ID_BYTES_MAX);
            }
        }
        What::Attempted(attempted) => shorten_error(&mut attempted.error),
        What::Deferred { reason } | What::Waits { reason, .. } => shorten(reason),
        What::Sent { to, id, .. } => {
            shorten(to);
            cut(id, ID_BYTES_MAX);
        }
        What::NotSent { to, reason, .. } => {
            shorten(to);
            shorten(reason);
        }
        What::Ended { condition } => shorten(condition),
        What::Received { .. } | What::Returned | What::Deleted => {}
    }
    step
}

/// The same for a failed event; its payload is kept as it is.
pub(crate) fn shortened_event(mut event: FailedEvent) -> FailedEvent {
    shorten_error(&mut event.error);
    event
}

fn shorten_error(error: &mut Option<(String, String)>) {
    if let Some((kind, message)) = error {
        cut(kind, TEXT_BYTES_MAX);
        cut(message, TEXT_BYTES_MAX);
    }
}

fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let end = (0..=bytes_max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}

impl Place {
    /// After the last step that is stored.
    pub(crate) async fn read(snapshot: &dyn Snapshot) -> Result<Self, TableError> {
        let Some((_, segment)) = segments(snapshot).await? else { return Ok(Self::default()) };
        let mut place = Self { segment, ..Self::default() };
        let prefix = STEPS.key(&[segment.into()]);
        let (mut from, to) = (prefix.clone(), prefix_end(&prefix));
        loop {
            let entries = snapshot.range(&from, &to, PAGE, false).await?;
            for entry in &entries {
                place.steps += 1;
                place.bytes += (entry.key.len() + entry.value.len()) as u64;
                place.sequence = place.sequence.max(sequence_of(&entry.key)? + 1);
            }
            match entries.last() {
                Some(last) if entries.len() == PAGE => from = [&last.key[..], &[0]].concat().into(),
                _ => return Ok(place),
            }
        }
    }

    /// Adds what stores `step`, and removes the oldest segment when a new one begins.
    pub(crate) fn add(
        &mut self,
        transaction: &mut Transaction,
        step: &Step,
        bounds: &Bounds,
    ) -> Result<(), TableError> {
        if self.steps >= bounds.segment_steps || self.bytes >= bounds.segment_bytes {
            *self = Self { segment: self.segment + 1, ..Self::default() };
            let first = (self.segment + 1).saturating_sub(bounds.segments);
            let steps = (STEPS.key(&[]), STEPS.key(&[first.into()]));
            let offspring = (OFFSPRING.key(&[]), OFFSPRING.key(&[first.into()]));
            for (from, to) in [steps, offspring] {
                transaction.mutations.push(Mutation::DeleteRange(from, to));
            }
        }
        let (segment, sequence) = (self.segment, self.sequence);
        STEPS.put(transaction, &[segment.into(), (&step.subject).into(), sequence.into()], step)?;
        if let Some(Mutation::Put(key, value)) = transaction.mutations.last() {
            self.bytes += (key.len() + value.len()) as u64;
        }
        if let What::Accepted { from: Some(from), .. } = &step.what {
            let parts = [segment.into(), from.into(), sequence.into()];
            OFFSPRING.put(transaction, &parts, &step.subject)?;
        }
        self.sequence += 1;
        self.steps += 1;
        Ok(())
    }
}

/// The first and the last segment that have steps.
pub(crate) async fn segments(snapshot: &dyn Snapshot) -> Result<Option<(u64, u64)>, TableError> {
    let from = STEPS.key(&[]);
    let to = prefix_end(&from);
    let first = snapshot.range(&from, &to, 1, false).await?;
    let last = snapshot.range(&from, &to, 1, true).await?;
    match (first.first(), last.first()) {
        (Some(first), Some(last)) => Ok(Some((segment_of(&first.key)?, segment_of(&last.key)?))),
        _ => Ok(None),
    }
}

/// At most `limit` steps of a subject in a segment, in the order in which they were recorded.
pub(crate) async fn of_subject(
    snapshot: &dyn Snapshot,
    segment: u64,
    subject: &str,
    limit: usize,
) -> Result<Vec<Recorded>, TableError> {
    let rows = STEPS.list(snapshot, &[segment.into(), subject.into()], None, limit).await?;
    let recorded = rows
        .into_iter()
        .map(|row| Ok(Recorded { order: (segment, sequence_of(&row.key)?), step: row.record }));
    recorded.collect()
}

/// The newest `limit` steps, by time.
pub(crate) async fn newest(snapshot: &dyn Snapshot, limit: usize) -> Result<Vec<Step>, TableError> {
    let mut found: Vec<Recorded> = Vec::new();
    if let Some((first, last)) = segments(snapshot).await? {
        for segment in (first..=last).rev() {
            if found.len() >= limit {
                break;
            }
            // A segment is ordered by subject, so all of it has to be read; it is bounded.
            let mut after = None;
            loop {
                let rows = STEPS.list(snapshot, &[segment.into()], after.as_deref(), PAGE).await?;
                after = rows.last().map(|row| row.key.clone());
                let full = rows.len() == PAGE;
                for row in rows {
                    found.push(Recorded { order: (segment, sequence_of(&row.key)?), step: row.record });
                }
                if !full {
                    break;
                }
            }
        }
    }
    found.sort_unstable_by_key(|recorded| recorded.order);
    found.drain(..found.len().saturating_sub(limit));
    Ok(by_time(found))
}

/// By time; what happened at the same moment, as it often does in virtual time, in the order of its recording.
pub(crate) fn by_time(mut recorded: Vec<Recorded>) -> Vec<Step> {
    recorded.sort_unstable_by_key(|recorded| (recorded.step.at, recorded.order));
    recorded.into_iter().map(|recorded| recorded.step).collect()
}

fn segment_of(key: &[u8]) -> Result<u64, StoreError> {
    STEPS.read_key(key)?.u64()
}

fn sequence_of(key: &[u8]) -> Result<u64, StoreError> {
    let mut reader: KeyReader<'_> = STEPS.read_key(key)?;
    reader.u64()?;
    reader.str()?;
    reader.u64()
}
