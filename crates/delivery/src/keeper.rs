//! The one task that reads due events from the store and waits for the time of the others.

use std::sync::Arc;

use clock::{Hold, Sleep, Timestamp};
use ids::FunctionArn;
use store::{Snapshot, StoreError, prefix_end};

use crate::engine::{Engine, Pauses};
use crate::head::{Search, Searched};
use crate::row::{self, Stored};

/// Rows that are read at once.
const STEP: usize = 64;

/// Works until the shutdown. `hold` keeps virtual time from moving before it is known what is due.
pub(crate) async fn keep(engine: Arc<Engine>, hold: Hold) {
    begin_counting(&engine).await;
    discover(&engine, hold).await;
    let mut alarm: Option<(Timestamp, Sleep)> = None;
    loop {
        engine.begin();
        search(&engine).await;
        let (next, holds) = engine.head().next_timer();
        if next != alarm.as_ref().map(|(at, _)| *at) {
            alarm = next.map(|at| (at, engine.parts.clock.sleep_until(at)));
        }
        drop(holds);
        let rings = async {
            match &mut alarm {
                Some((_, sleep)) => sleep.await,
                None => std::future::pending().await,
            }
        };
        let hold = tokio::select! {
            () = engine.keeper.notified() => continue,
            hold = rings => hold,
        };
        alarm = None;
        let now = engine.now();
        engine.head().fire(now, &hold);
    }
}

/// Finds the functions that the last process left events of: their lanes are looked into like any other.
async fn discover(engine: &Engine, hold: Hold) {
    let mut pauses = Pauses::default();
    while let Err(error) = functions(engine, &hold).await {
        if !pauses.pause(engine, &error.to_string()).await {
            return;
        }
    }
}

async fn functions(engine: &Engine, hold: &Hold) -> Result<(), StoreError> {
    let snapshot = engine.parts.store.snapshot().await?;
    let mut rows = row::all();
    while let Some(first) = snapshot.range(&rows.start, &rows.end, 1, false).await?.first() {
        match row::read_key(&first.key) {
            Ok((function, _, _)) => {
                rows.start = row::of_function(&function).end;
                engine.head().discovered(&function, hold.clone());
            }
            Err(error) => {
                tracing::error!(%error, "an event cannot be read");
                rows.start = prefix_end(&first.key);
            }
        }
    }
    Ok(())
}

/// Reads what is due and has room.
async fn search(engine: &Arc<Engine>) {
    let mut pauses = Pauses::default();
    loop {
        let Some(search) = engine.head().next_search() else { return };
        let searched = find(engine, &search).await;
        let error = searched.as_ref().err().map(ToString::to_string);
        engine.head().searched(&search.function, searched.unwrap_or(Searched::Failed));
        engine.go_on();
        if let Some(error) = error
            && !pauses.pause(engine, &error).await
        {
            return;
        }
    }
}

async fn find(engine: &Engine, search: &Search) -> Result<Searched, StoreError> {
    let snapshot = engine.parts.store.snapshot().await?;
    let now = engine.now();
    let mut from = search.from.clone();
    loop {
        let entries = snapshot.range(&from, &search.to, STEP, false).await?;
        for entry in &entries {
            match read(engine, &*snapshot, &search.function, entry, now).await {
                Ok(Found::Later(due)) => return Ok(Searched::All(Some(due))),
                Ok(Found::Claimed) => {}
                Ok(Found::Due(stored)) => {
                    if !engine.head().found(&search.function, *stored) {
                        return Ok(Searched::Until(entry.key.clone()));
                    }
                }
                // One damaged event must not stand in the way of the others.
                Err(StoreError::Damaged(why)) => tracing::error!(why, "an event cannot be read"),
                Err(error) => return Err(error),
            }
        }
        match entries.last() {
            Some(last) if entries.len() == STEP => from = [&last.key[..], &[0]].concat().into(),
            _ => return Ok(Searched::All(None)),
        }
    }
}

enum Found {
    /// Somebody works on it.
    Claimed,
    /// It is to be done now.
    Due(Box<Stored>),
    /// This one, and all that follow, are due then or later.
    Later(Timestamp),
}

async fn read(
    engine: &Engine,
    snapshot: &dyn Snapshot,
    function: &FunctionArn,
    entry: &store::Entry,
    now: Timestamp,
) -> Result<Found, StoreError> {
    let (_, due, id) = row::read_key(&entry.key)?;
    if due > now {
        return Ok(Found::Later(due));
    }
    if !engine.head().is_unclaimed(function, id) {
        return Ok(Found::Claimed);
    }
    Ok(Found::Due(Box::new(Stored::read(snapshot, entry).await?)))
}

/// Has what the last process left counted, beside the work on it.
async fn begin_counting(engine: &Arc<Engine>) {
    match engine.parts.store.snapshot().await {
        Ok(snapshot) => {
            engine.head().begin_counting();
            engine.parts.tasks.spawn_until_shutdown("count events", count(engine.clone(), snapshot));
        }
        Err(error) => tracing::warn!(%error, "events that were left could not be counted"),
    }
}

/// `snapshot` is from before that work began.
async fn count(engine: Arc<Engine>, snapshot: Box<dyn Snapshot>) {
    let mut rows = row::all();
    loop {
        let entries = match snapshot.range(&rows.start, &rows.end, STEP, false).await {
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!(%error, "events that were left could not be counted");
                break;
            }
        };
        for (function, _, _) in entries.iter().filter_map(|entry| row::read_key(&entry.key).ok()) {
            engine.head().counted(&function, 1);
        }
        match entries.last() {
            Some(last) if entries.len() == STEP => {
                rows.start = [&last.key[..], &[0]].concat().into();
            }
            _ => break,
        }
        // The first requests come first.
        tokio::task::yield_now().await;
    }
    engine.head().end_counting();
}
