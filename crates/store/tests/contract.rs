//! What every backend promises, run against each of them.
#![expect(clippy::unwrap_used, reason = "a call that fails is a test that fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use ids::IdSource;
use store::{
    Bytes, Check, CommitError, EmbeddedStore, Entry, Fence, Limits, MemoryStore, Mutation, Store,
    Transaction, Version, prefix_end,
};

/// Runs each promise against each backend, as a test of its own.
macro_rules! promises {
    ($($name:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(Arc::new(MemoryStore::new())).await;
            })*
        }
        mod embedded {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let directory = tempfile::tempdir().unwrap();
                super::$name(Arc::new(EmbeddedStore::open(directory.path()).unwrap())).await;
            })*
        }
    };
}

promises! {
    reads_find_what_was_committed,
    ranges_keep_their_ends_limit_and_direction,
    every_check_lets_through_what_holds_and_refuses_what_does_not,
    a_refused_transaction_changes_nothing,
    versions_grow_and_name_the_writer,
    snapshots_stay_as_they_were,
    ranges_are_deleted,
    counters_add_and_saturate,
    only_the_lease_holder_writes,
    what_is_too_large_is_refused,
    one_of_many_conflicting_commits_wins,
    concurrent_increments_are_all_counted,
    behaves_as_its_model,
}

type Shared = Arc<dyn Store>;

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put(key: &str, value: &str) -> Mutation {
    Mutation::Put(bytes(key), bytes(value))
}

async fn commit(store: &Shared, mutations: Vec<Mutation>) -> Version {
    store.commit(Transaction { mutations, ..Transaction::default() }).await.unwrap()
}

async fn get(store: &Shared, key: &str) -> Option<Entry> {
    store.snapshot().await.unwrap().get(key.as_bytes()).await.unwrap()
}

async fn value(store: &Shared, key: &str) -> Option<Bytes> {
    get(store, key).await.map(|entry| entry.value)
}

async fn keys(store: &Shared, from: &str, to: &str, limit: usize, reverse: bool) -> Vec<Bytes> {
    let snapshot = store.snapshot().await.unwrap();
    let entries = snapshot.range(from.as_bytes(), to.as_bytes(), limit, reverse).await.unwrap();
    entries.into_iter().map(|entry| entry.key).collect()
}

async fn reads_find_what_was_committed(store: Shared) {
    assert_eq!(get(&store, "a").await, None);
    let version = commit(&store, vec![put("a", "1"), put("b", ""), put("a", "2")]).await;
    assert_eq!(get(&store, "a").await, Some(Entry { key: bytes("a"), value: bytes("2"), version }));
    assert_eq!(get(&store, "b").await, Some(Entry { key: bytes("b"), value: Bytes::new(), version }));
    commit(&store, vec![Mutation::Delete(bytes("a")), Mutation::Delete(bytes("absent"))]).await;
    assert_eq!(get(&store, "a").await, None);
}

async fn ranges_keep_their_ends_limit_and_direction(store: Shared) {
    commit(&store, ["a", "b", "b\0", "c", "d"].map(|key| put(key, "")).to_vec()).await;
    assert_eq!(keys(&store, "b", "d", 9, false).await, ["b", "b\0", "c"]);
    assert_eq!(keys(&store, "b", "d", 9, true).await, ["c", "b\0", "b"]);
    assert_eq!(keys(&store, "b", "d", 2, false).await, ["b", "b\0"]);
    assert_eq!(keys(&store, "b", "d", 2, true).await, ["c", "b\0"]);
    assert_eq!(keys(&store, "", "z", usize::MAX, false).await.len(), 5);
    for (from, to, limit) in [("b", "b", 9), ("d", "b", 9), ("x", "z", 9), ("a", "z", 0)] {
        assert!(keys(&store, from, to, limit, false).await.is_empty(), "{from}..{to}");
    }
}

async fn every_check_lets_through_what_holds_and_refuses_what_does_not(store: Shared) {
    let version = commit(&store, vec![put("a", "1")]).await;
    let (a, b) = (bytes("a"), bytes("b"));
    let holding = [
        Check::Version(a.clone(), version),
        Check::Absent(b.clone()),
        Check::Present(a.clone()),
        Check::Equals(a.clone(), bytes("1")),
    ];
    for check in holding {
        store.commit(Transaction::new().check(check.clone()).mutate(put("x", ""))).await.unwrap();
    }
    let failing = [
        (Check::Version(a.clone(), Version(version.0 + 1)), &a),
        (Check::Version(b.clone(), version), &b),
        (Check::Absent(a.clone()), &a),
        (Check::Present(b.clone()), &b),
        (Check::Equals(a.clone(), bytes("2")), &a),
        (Check::Equals(b.clone(), bytes("1")), &b),
    ];
    for (check, key) in failing {
        let refused = store.commit(Transaction::new().check(check.clone()).mutate(put("y", ""))).await;
        assert!(matches!(&refused, Err(CommitError::Conflict(at)) if at == key), "{check:?}: {refused:?}");
    }
    assert_eq!((value(&store, "x").await, value(&store, "y").await), (Some(Bytes::new()), None));
}

async fn a_refused_transaction_changes_nothing(store: Shared) {
    commit(&store, vec![put("a", "1"), put("text", "not a counter")]).await;
    let refusals = [
        Transaction::new().check(Check::Present(bytes("a"))).check(Check::Absent(bytes("a"))),
        Transaction::new().mutate(Mutation::Add(bytes("a"), 1)),
    ];
    for mut refused in refusals {
        refused.mutations.insert(0, Mutation::DeleteRange(bytes("a"), bytes("b")));
        refused.mutations.insert(1, put("a", "changed"));
        refused.mutations.push(Mutation::Add(bytes("text"), 1));
        assert!(matches!(store.commit(refused).await, Err(CommitError::Conflict(_))));
        assert_eq!(value(&store, "a").await, Some(bytes("1")));
        assert_eq!(value(&store, "text").await, Some(bytes("not a counter")));
    }
}

async fn versions_grow_and_name_the_writer(store: Shared) {
    let first = commit(&store, vec![put("a", ""), put("b", "")]).await;
    let second = commit(&store, vec![put("b", "")]).await;
    assert!(second > first);
    assert_eq!(get(&store, "a").await.map(|entry| entry.version), Some(first));
    assert_eq!(get(&store, "b").await.map(|entry| entry.version), Some(second));
    // An entry that was removed and written again is another one, though it looks the same.
    commit(&store, vec![Mutation::Delete(bytes("a"))]).await;
    commit(&store, vec![put("a", "")]).await;
    let stale = Transaction::new().check(Check::Version(bytes("a"), first));
    assert!(matches!(store.commit(stale).await, Err(CommitError::Conflict(_))));
}

async fn snapshots_stay_as_they_were(store: Shared) {
    commit(&store, vec![put("a", "old"), put("gone", "")]).await;
    let before = store.snapshot().await.unwrap();
    commit(&store, vec![put("a", "new"), put("b", ""), Mutation::Delete(bytes("gone"))]).await;
    assert_eq!(before.get(b"a").await.unwrap().unwrap().value, "old");
    let entries = before.range(b"", b"z", 9, false).await.unwrap();
    assert_eq!(entries.iter().map(|entry| &entry.key[..]).collect::<Vec<_>>(), [&b"a"[..], b"gone"]);
    assert_eq!(keys(&store, "", "z", 9, false).await, ["a", "b"]);
    drop(store);
    assert_eq!(before.get(b"a").await.unwrap().unwrap().value, "old");
}

async fn ranges_are_deleted(store: Shared) {
    commit(&store, ["a", "b", "b\0", "c", "d"].map(|key| put(key, "")).to_vec()).await;
    let delete = |from: &str, to: &str| Mutation::DeleteRange(bytes(from), bytes(to));
    commit(&store, vec![delete("x", "y"), delete("c", "a"), delete("a", "a")]).await;
    assert_eq!(keys(&store, "", "z", 9, false).await.len(), 5);
    commit(&store, vec![put("b2", ""), delete("b", "c"), put("b1", "")]).await;
    assert_eq!(keys(&store, "", "z", 9, false).await, ["a", "b1", "c", "d"]);
    commit(&store, vec![Mutation::DeleteRange(Bytes::new(), prefix_end(&[]))]).await;
    assert!(keys(&store, "", "z", 9, false).await.is_empty());
}

async fn counters_add_and_saturate(store: Shared) {
    let add = |delta| Mutation::Add(bytes("n"), delta);
    let count = |number: i64| Some(Bytes::copy_from_slice(&number.to_le_bytes()));
    commit(&store, vec![add(5), add(-7)]).await;
    assert_eq!(value(&store, "n").await, count(-2));
    commit(&store, vec![add(i64::MIN)]).await;
    assert_eq!(value(&store, "n").await, count(i64::MIN));
    commit(&store, vec![Mutation::Delete(bytes("n")), add(i64::MAX), add(1)]).await;
    assert_eq!(value(&store, "n").await, count(i64::MAX));
    let on_text = store.commit(Transaction::new().mutate(put("n", "text")).mutate(add(1))).await;
    assert!(matches!(on_text, Err(CommitError::Conflict(key)) if key == "n"));
    assert_eq!(value(&store, "n").await, count(i64::MAX));
}

async fn only_the_lease_holder_writes(store: Shared) {
    let write = |epoch| Transaction {
        mutations: vec![put("a", &epoch_text(epoch))],
        fence: Some(Fence { lease_key: bytes("lease"), epoch }),
        ..Transaction::default()
    };
    assert!(matches!(store.commit(write(0)).await, Err(CommitError::Fenced)), "no lease at all");
    let take = |epoch: u64| vec![Mutation::Put(bytes("lease"), Bytes::copy_from_slice(&epoch.to_le_bytes()))];
    commit(&store, take(1)).await;
    store.commit(write(1)).await.unwrap();
    commit(&store, take(2)).await;
    for not_owned in [1, 3] {
        assert!(matches!(store.commit(write(not_owned)).await, Err(CommitError::Fenced)));
    }
    assert_eq!(value(&store, "a").await, Some(bytes(&epoch_text(1))));
}

fn epoch_text(epoch: u64) -> String {
    format!("by {epoch}")
}

async fn what_is_too_large_is_refused(store: Shared) {
    let limits = Limits::PORTABLE;
    let of = |length: usize| Bytes::from(vec![b'k'; length]);
    let largest = Mutation::Put(of(limits.key_bytes), of(limits.value_bytes));
    commit(&store, vec![largest.clone()]).await;
    let many = |count: usize| vec![Mutation::Put(bytes("v"), of(limits.value_bytes)); count];
    let refused = [
        vec![Mutation::Put(of(limits.key_bytes + 1), Bytes::new())],
        vec![Mutation::Put(bytes("v"), of(limits.value_bytes + 1))],
        vec![Mutation::Delete(of(limits.key_bytes + 1))],
        vec![Mutation::Add(of(limits.key_bytes + 1), 1)],
        many(limits.transaction_bytes / limits.value_bytes + 1),
    ];
    for mutations in refused {
        let outcome = store.commit(Transaction { mutations, ..Transaction::default() }).await;
        assert!(matches!(outcome, Err(CommitError::TooLarge(_))), "{outcome:?}");
    }
    let check = Transaction::new().check(Check::Absent(of(limits.key_bytes + 1)));
    assert!(matches!(store.commit(check).await, Err(CommitError::TooLarge(_))));
    assert_eq!(value(&store, "v").await, None);
    commit(&store, many(limits.transaction_bytes / limits.value_bytes - 1)).await;
}

async fn one_of_many_conflicting_commits_wins(store: Shared) {
    for round in 0..10 {
        let key = format!("round {round}");
        let claims = (0..16).map(|claimant| {
            let (store, key) = (Arc::clone(&store), bytes(&key));
            let transaction = Transaction::new()
                .check(Check::Absent(key.clone()))
                .mutate(Mutation::Put(key, bytes(&claimant.to_string())));
            async move { store.commit(transaction).await.ok().map(|_| claimant) }
        });
        let winners: Vec<i32> = all(claims).await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1, "round {round}");
        assert_eq!(value(&store, &key).await, Some(bytes(&winners[0].to_string())));
    }
}

async fn concurrent_increments_are_all_counted(store: Shared) {
    let increments = (0..20).map(|_| {
        let store = Arc::clone(&store);
        async move {
            for _ in 0..5 {
                loop {
                    let before = get(&store, "n").await;
                    let (check, number) = match before {
                        Some(entry) => {
                            let number: u64 = std::str::from_utf8(&entry.value).unwrap().parse().unwrap();
                            (Check::Version(entry.key, entry.version), number)
                        }
                        None => (Check::Absent(bytes("n")), 0),
                    };
                    let write = put("n", &(number + 1).to_string());
                    if store.commit(Transaction::new().check(check).mutate(write)).await.is_ok() {
                        break;
                    }
                }
            }
        }
    });
    all(increments).await;
    assert_eq!(value(&store, "n").await, Some(bytes("100")));
}

/// Runs all at once, each as a task of its own.
#[expect(clippy::disallowed_methods, reason = "the runtime under test ends with the test")]
async fn all<F>(futures: impl Iterator<Item = F>) -> Vec<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let tasks: Vec<_> = futures.map(tokio::spawn).collect();
    let mut outputs = Vec::new();
    for task in tasks {
        outputs.push(task.await.unwrap());
    }
    outputs
}

/// Seeded random transactions, against the simplest thing that could be right.
async fn behaves_as_its_model(store: Shared) {
    for seed in 0..4 {
        commit(&store, vec![Mutation::DeleteRange(Bytes::new(), prefix_end(&[]))]).await;
        let ids = IdSource::seeded(seed);
        let mut model: BTreeMap<Bytes, (Bytes, Version)> = BTreeMap::new();
        for step in 0..120 {
            let transaction = random_transaction(&ids, &model);
            let holds = transaction.checks.iter().all(|check| check_model(&model, check));
            let outcome = store.commit(transaction.clone()).await;
            assert_eq!(outcome.is_ok(), holds, "seed {seed} step {step}: {transaction:?} {outcome:?}");
            if let Ok(version) = outcome {
                for mutation in &transaction.mutations {
                    change_model(&mut model, mutation, version);
                }
            }
            let snapshot = store.snapshot().await.unwrap();
            let (from, to) = (random_key(&ids), random_key(&ids));
            let (limit, reverse) = (random(&ids, 6), random(&ids, 2) == 0);
            let read = snapshot.range(&from, &to, limit, reverse).await.unwrap();
            let mut expected: Vec<Entry> = model
                .iter()
                .filter(|(key, _)| from <= **key && **key < to)
                .map(|(key, (value, version))| Entry {
                    key: key.clone(),
                    value: value.clone(),
                    version: *version,
                })
                .collect();
            if reverse {
                expected.reverse();
            }
            expected.truncate(limit);
            assert_eq!(read, expected, "seed {seed} step {step}");
        }
    }
}

fn random(ids: &IdSource, below: usize) -> usize {
    usize::try_from(ids.bits() % below as u64).unwrap()
}

fn random_key(ids: &IdSource) -> Bytes {
    bytes(&ids.text(1 + random(ids, 2), b"ab\0"))
}

fn random_transaction(ids: &IdSource, model: &BTreeMap<Bytes, (Bytes, Version)>) -> Transaction {
    let mut transaction = Transaction::new();
    for _ in 0..random(ids, 3) {
        let key = random_key(ids);
        let known = model.get(&key).cloned().unwrap_or_default();
        transaction.checks.push(match random(ids, 4) {
            0 => Check::Version(key, known.1),
            1 => Check::Absent(key),
            2 => Check::Present(key),
            _ => Check::Equals(key, known.0),
        });
    }
    for _ in 0..=random(ids, 4) {
        let (key, other) = (random_key(ids), random_key(ids));
        transaction.mutations.push(match random(ids, 5) {
            0 => Mutation::Delete(key),
            1 => Mutation::DeleteRange(key, other),
            // Only ever numbers, so that adding is always possible.
            2 => Mutation::Put(key, Bytes::copy_from_slice(&ids.bits().to_le_bytes())),
            _ => Mutation::Add(key, ids.bits().cast_signed()),
        });
    }
    transaction
}

fn check_model(model: &BTreeMap<Bytes, (Bytes, Version)>, check: &Check) -> bool {
    match check {
        Check::Version(key, version) => model.get(key).is_some_and(|(_, is)| is == version),
        Check::Absent(key) => !model.contains_key(key),
        Check::Present(key) => model.contains_key(key),
        Check::Equals(key, value) => model.get(key).is_some_and(|(is, _)| is == value),
    }
}

fn change_model(model: &mut BTreeMap<Bytes, (Bytes, Version)>, mutation: &Mutation, version: Version) {
    match mutation {
        Mutation::Put(key, value) => {
            model.insert(key.clone(), (value.clone(), version));
        }
        Mutation::Delete(key) => {
            model.remove(key);
        }
        Mutation::DeleteRange(from, to) => model.retain(|key, _| key < from || key >= to),
        Mutation::Add(key, delta) => {
            let before =
                model.get(key).map_or(0, |(value, _)| i64::from_le_bytes(value[..].try_into().unwrap()));
            let after = before.saturating_add(*delta).to_le_bytes();
            model.insert(key.clone(), (Bytes::copy_from_slice(&after), version));
        }
    }
}
