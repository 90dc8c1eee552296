//! Removes what expired and what deleted groups and streams left behind.
//!
//! Both are rows: a group with a retention stands in a table by when it is to be looked through next, and what was
//! deleted stands in another one until nothing is left of it. So a restart, the passing of time and a fast-forward
//! all run the same code. The work is done in small transactions, between which others have their turn.

use std::sync::Arc;
use std::time::Duration;

use clock::Timestamp;
use store::{CommitError, KeyPart, Record, Row, Snapshot, Table, TableError, Transaction};

use crate::service::Inner;
use crate::tables::{
    CHUNKS, Chunk, EXPIRIES, Expiry, GARBAGE, GROUPS, Garbage, RECENT, STREAMS, Stream, add_bytes, bytes_key,
    read_position,
};

/// Chunks that are removed in one transaction.
const CHUNKS_AT_ONCE: usize = 32;

/// Small rows that are read or removed at once.
const ROWS_AT_ONCE: usize = 256;

/// How often a group is looked through. What expired is hidden from readers at once; on AWS it takes "up to 72 hours"
/// until it is deleted (API reference, `PutRetentionPolicy`).
const INTERVAL_MIN: Duration = Duration::from_secs(60 * 60);
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a store that failed is left alone.
const PAUSE: Duration = Duration::from_secs(60);

/// Runs until it is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        let next = match clean(&inner).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "log events could not be removed");
                Some(inner.clock.now() + PAUSE)
            }
        };
        let due = async {
            match next {
                Some(next) => drop(inner.clock.sleep_until(next).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = inner.cleanup.notified() => {}
        }
    }
}

/// Removes all that is to be removed now. Returns when there will be more.
async fn clean(inner: &Inner) -> Result<Option<Timestamp>, TableError> {
    loop {
        let snapshot = inner.store.snapshot().await?;
        if let Some(row) = first(&*snapshot, &GARBAGE).await? {
            remove_garbage(inner, &row).await?;
            continue;
        }
        let Some(row) = first(&*snapshot, &EXPIRIES).await? else { return Ok(None) };
        let due = EXPIRIES.read_key(&row.key)?.timestamp()?;
        if due > inner.clock.now() {
            return Ok(Some(due));
        }
        remove_expired(inner, &row).await?;
    }
}

async fn first<R: Record>(snapshot: &dyn Snapshot, table: &Table<R>) -> Result<Option<Row<R>>, TableError> {
    Ok(table.list(snapshot, &[], None, 1).await?.pop())
}

async fn remove_garbage(inner: &Inner, row: &Row<Garbage>) -> Result<(), TableError> {
    let group = GARBAGE.read_key(&row.key)?.u64()?;
    let mut last = Transaction::new();
    match row.record.stream {
        Some(stream) => {
            remove_chunks(inner, group, &[group.into(), stream.into()], None).await?;
        }
        None => {
            remove_chunks(inner, group, &[group.into()], None).await?;
            remove_rows(inner, &STREAMS, group).await?;
            remove_rows(inner, &RECENT, group).await?;
            last.mutations.push(store::Mutation::Delete(bytes_key(group)));
        }
    }
    GARBAGE.delete_row(&mut last, row);
    commit_unless_changed(inner, last).await
}

/// Removes the rows of a group, in slices.
async fn remove_rows<R: Record>(inner: &Inner, table: &Table<R>, group: u64) -> Result<(), TableError> {
    loop {
        let snapshot = inner.store.snapshot().await?;
        let rows = table.list(&*snapshot, &[group.into()], None, ROWS_AT_ONCE).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut transaction = Transaction::new();
        for row in rows {
            transaction.mutations.push(store::Mutation::Delete(row.key));
        }
        inner.store.commit(transaction).await?;
    }
}

/// Removes the chunks whose keys begin so and which are, as a whole, older than `before_ms`, in slices.
async fn remove_chunks(
    inner: &Inner,
    group: u64,
    parts: &[KeyPart<'_>],
    before_ms: Option<i64>,
) -> Result<(), TableError> {
    let mut after = None;
    loop {
        let snapshot = inner.store.snapshot().await?;
        let rows = CHUNKS.list(&*snapshot, parts, after.as_deref(), CHUNKS_AT_ONCE).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.key.clone());
        let mut transaction = Transaction::new();
        let mut bytes = 0;
        for row in &rows {
            let (first_ms, sequence) = read_position(&row.key)?;
            if before_ms.is_some_and(|before_ms| first_ms >= before_ms) {
                // So do all that follow.
                after = None;
                break;
            }
            if before_ms.is_none_or(|before_ms| is_older(&row.record, before_ms)) {
                let mut reader = CHUNKS.read_key(&row.key)?;
                let (group, stream) = (reader.u64()?, reader.u64()?);
                CHUNKS.delete(
                    &mut transaction,
                    &[group.into(), stream.into(), first_ms.into(), sequence.into()],
                );
                bytes += row.record.bytes();
            }
        }
        if bytes > 0 {
            add_bytes(&mut transaction, group, -bytes);
            inner.store.commit(transaction).await?;
        }
        if after.is_none() {
            return Ok(());
        }
    }
}

fn is_older(chunk: &Chunk, before_ms: i64) -> bool {
    chunk.events.iter().all(|(timestamp_ms, _)| *timestamp_ms < before_ms)
}

/// Looks through the streams of a group whose events expire, and says when to do so again.
async fn remove_expired(inner: &Inner, row: &Row<Expiry>) -> Result<(), TableError> {
    let now = inner.clock.now();
    let due = EXPIRIES.read_key(&row.key)?.timestamp()?;
    let Expiry { account, region, name } = &row.record;
    let parts = [account.as_str().into(), region.as_str().into(), name.into()];
    let group = GROUPS.get_now(&*inner.store, &parts).await?;
    let wanted = group.filter(|group| group.record.expiry_due == Some(due));
    let Some((mut group, before_ms)) =
        wanted.and_then(|group| group.record.expired_before_ms(now).map(|before_ms| (group, before_ms)))
    else {
        // The retention was changed or ended, or the group deleted, since this row was read: then this row is gone
        // too, and the commit does nothing.
        let mut transaction = Transaction::new();
        EXPIRIES.delete_row(&mut transaction, row);
        return commit_unless_changed(inner, transaction).await;
    };
    let oldest_ms = remove_expired_of_streams(inner, group.record.id, before_ms).await?;

    // The oldest event that is left is the next to expire.
    let age_ms = now.as_millis() - before_ms;
    let expires = oldest_ms.map(|oldest_ms| Timestamp::from_millis(oldest_ms.saturating_add(age_ms)));
    let next = expires.unwrap_or(now).clamp(now + INTERVAL_MIN, now + INTERVAL_MAX);
    let mut transaction = Transaction::new();
    EXPIRIES.delete_row(&mut transaction, row);
    EXPIRIES.put(&mut transaction, &[next.into(), group.record.id.into()], &row.record)?;
    group.record.expiry_due = Some(next);
    let record = group.record.clone();
    GROUPS.update(&mut transaction, &group, &record)?;
    commit_unless_changed(inner, transaction).await
}

/// Removes what is older than `before_ms`. Returns the time of the oldest event that is left.
async fn remove_expired_of_streams(
    inner: &Inner,
    group: u64,
    before_ms: i64,
) -> Result<Option<i64>, TableError> {
    let (mut oldest_ms, mut after): (Option<i64>, Option<store::Bytes>) = (None, None);
    loop {
        let snapshot = inner.store.snapshot().await?;
        let rows = STREAMS.list(&*snapshot, &[group.into()], after.as_deref(), ROWS_AT_ONCE).await?;
        drop(snapshot);
        let Some(last) = rows.last() else { return Ok(oldest_ms) };
        after = Some(last.key.clone());
        for row in rows {
            let mut first_ms = row.record.first_event_ms;
            if first_ms.is_some_and(|first_ms| first_ms < before_ms) {
                remove_chunks(inner, group, &[group.into(), row.record.id.into()], Some(before_ms)).await?;
                first_ms = update_first_event(inner, group, &row).await?;
            }
            oldest_ms = [oldest_ms, first_ms].into_iter().flatten().min();
        }
    }
}

/// Says in the stream's record which event is now the first, and returns its time.
async fn update_first_event(inner: &Inner, group: u64, row: &Row<Stream>) -> Result<Option<i64>, TableError> {
    let snapshot = inner.store.snapshot().await?;
    let first = CHUNKS.list(&*snapshot, &[group.into(), row.record.id.into()], None, 1).await?.pop();
    let first_ms = first.map(|chunk| read_position(&chunk.key)).transpose()?.map(|(first_ms, _)| first_ms);
    let record = Stream { first_event_ms: first_ms, ..row.record.clone() };
    let mut transaction = Transaction::new();
    STREAMS.update(&mut transaction, row, &record)?;
    // When the stream was written to in between, its record keeps the older time, which is still no lie: no event is
    // older. The next time will put it right.
    commit_unless_changed(inner, transaction).await?;
    Ok(first_ms)
}

/// Commits; that somebody else was faster is no failure, because whoever it was left a row that leads here again.
async fn commit_unless_changed(inner: &Inner, transaction: Transaction) -> Result<(), TableError> {
    match inner.store.commit(transaction).await {
        Ok(_) | Err(CommitError::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
