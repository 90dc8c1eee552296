use serde::Deserialize;

use super::*;
use crate::MemoryStore;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    text: String,
}

const NOTES: Table<Note> = Table::new("notes");
const LONG_NOTES: Table<Note> = Table::of_large_records("long-notes");

fn note(text: &str) -> Note {
    Note { text: text.to_owned() }
}

fn long_note(letter: &str) -> Note {
    note(&letter.repeat(200_000))
}

async fn commit(store: &MemoryStore, build: impl FnOnce(&mut Transaction)) -> Result<Version, CommitError> {
    let mut transaction = Transaction::new();
    build(&mut transaction);
    store.commit(transaction).await
}

async fn texts(
    store: &MemoryStore,
    parts: &[KeyPart<'_>],
    after: Option<&[u8]>,
    limit: usize,
) -> Vec<String> {
    let snapshot = store.snapshot().await.unwrap();
    let rows = NOTES.list(&*snapshot, parts, after, limit).await.unwrap();
    rows.into_iter().map(|row| row.record.text).collect()
}

#[tokio::test]
async fn insert_update_and_delete_notice_who_was_first() {
    let store = MemoryStore::new();
    let id: &[KeyPart<'_>] = &["a".into(), 1_u64.into()];
    commit(&store, |t| NOTES.insert(t, id, &note("one")).unwrap()).await.unwrap();
    let again = commit(&store, |t| NOTES.insert(t, id, &note("two")).unwrap()).await;
    assert!(matches!(again, Err(CommitError::Conflict(key)) if key == NOTES.key(id)));

    let row = NOTES.get_now(&store, id).await.unwrap().unwrap();
    assert_eq!(row.record, note("one"));
    commit(&store, |t| NOTES.update(t, &row, &note("two")).unwrap()).await.unwrap();
    let stale = commit(&store, |t| NOTES.update(t, &row, &note("three")).unwrap()).await;
    assert!(matches!(stale, Err(CommitError::Conflict(_))));
    let stale = commit(&store, |t| NOTES.delete_row(t, &row)).await;
    assert!(matches!(stale, Err(CommitError::Conflict(_))));
    assert_eq!(NOTES.get_now(&store, id).await.unwrap().unwrap().record, note("two"));

    commit(&store, |t| NOTES.delete(t, id)).await.unwrap();
    assert_eq!(NOTES.get_now(&store, id).await.unwrap(), None);
}

#[tokio::test]
async fn pages_go_on_after_a_key_and_stay_under_their_prefix() {
    let store = MemoryStore::new();
    commit(&store, |t| {
        for (owner, id) in [("a", 1_u64), ("a", 2), ("a", 3), ("ab", 1), ("b", 1)] {
            NOTES.put(t, &[owner.into(), id.into()], &note(&format!("{owner}{id}"))).unwrap();
        }
    })
    .await
    .unwrap();
    assert_eq!(texts(&store, &["a".into()], None, 9).await, ["a1", "a2", "a3"]);
    assert_eq!(texts(&store, &["a".into()], None, 2).await, ["a1", "a2"]);
    let second = NOTES.key(&["a".into(), 2_u64.into()]);
    assert_eq!(texts(&store, &["a".into()], Some(&second), 2).await, ["a3"]);
    assert_eq!(texts(&store, &[], Some(&second), 9).await, ["a3", "ab1", "b1"]);
    // A key before the prefix must not widen the range.
    assert_eq!(texts(&store, &["b".into()], Some(&second), 9).await, ["b1"]);
    commit(&store, |t| NOTES.delete_all(t, &["a".into()])).await.unwrap();
    assert_eq!(texts(&store, &[], None, 9).await, ["ab1", "b1"]);
}

#[tokio::test]
async fn a_record_too_long_for_an_entry_is_refused_or_split() {
    let store = MemoryStore::new();
    let refused = NOTES.put(&mut Transaction::new(), &["a".into()], &long_note("x"));
    assert!(matches!(refused, Err(TableError::Commit(CommitError::TooLarge(_)))));

    let (short, longer): (&[KeyPart<'_>], &[KeyPart<'_>]) = (&["a".into()], &["a".into(), 0_u64.into()]);
    commit(&store, |t| {
        LONG_NOTES.put(t, short, &long_note("x")).unwrap();
        LONG_NOTES.put(t, longer, &long_note("y")).unwrap();
    })
    .await
    .unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let rows = LONG_NOTES.list(&*snapshot, &[], None, 9).await.unwrap();
    assert_eq!(rows.iter().map(|row| &row.record.text[..1]).collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(rows[0].record, long_note("x"));

    // What replaces or removes a split record leaves none of its parts, and leaves the other record whole.
    commit(&store, |t| LONG_NOTES.put(t, short, &note("small")).unwrap()).await.unwrap();
    assert_eq!(LONG_NOTES.get_now(&store, short).await.unwrap().unwrap().record, note("small"));
    assert_eq!(LONG_NOTES.get_now(&store, longer).await.unwrap().unwrap().record, long_note("y"));
    let snapshot = store.snapshot().await.unwrap();
    let entries = snapshot.range(&[], &prefix_end(&[]), 99, false).await.unwrap();
    assert_eq!(entries.len(), 2 + 4, "two rows, and the four parts of one of them");
    commit(&store, |t| LONG_NOTES.delete_all(t, &[])).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.range(&[], &prefix_end(&[]), 9, false).await.unwrap(), []);
}

#[tokio::test]
async fn keys_are_read_back_and_strange_records_refused() {
    let store = MemoryStore::new();
    let id: &[KeyPart<'_>] = &["a".into(), 7_u64.into()];
    let raw = Mutation::Put(NOTES.key(id), Bytes::from_static(b"{\"no\":1}"));
    store.commit(Transaction::new().mutate(raw)).await.unwrap();
    let read = NOTES.get_now(&store, id).await;
    assert!(matches!(read, Err(TableError::Store(StoreError::Damaged(_)))));

    let key = NOTES.key(id);
    let mut reader = NOTES.read_key(&key).unwrap();
    assert_eq!((reader.str().unwrap().as_str(), reader.u64().unwrap()), ("a", 7));
    assert!(LONG_NOTES.read_key(&key).is_err());
}

#[tokio::test]
async fn a_large_record_that_lost_a_part_is_reported() {
    let store = MemoryStore::new();
    commit(&store, |t| LONG_NOTES.put(t, &["a".into()], &long_note("x")).unwrap()).await.unwrap();
    let lost = Mutation::Delete(chunk_key(&LONG_NOTES.key(&["a".into()]), 1));
    store.commit(Transaction::new().mutate(lost)).await.unwrap();
    let read = LONG_NOTES.get_now(&store, &["a".into()]).await;
    assert!(matches!(read, Err(TableError::Store(StoreError::Damaged(_)))));
}
