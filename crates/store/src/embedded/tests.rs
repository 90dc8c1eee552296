//! The embedded store on a disk that fails, fills up, or loses what was not synced.

use std::io;
use std::sync::Mutex;

use ids::IdSource;

use super::*;
use crate::{Mutation, prefix_end};

/// A disk of which a test decides what it does. Clones are the same disk.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<DiskState>>);

#[derive(Debug, Default)]
struct DiskState {
    /// What reads see: the page cache.
    cached: Vec<u8>,
    /// What a power loss leaves.
    synced: Vec<u8>,
    /// Writes since the last sync, as ranges of `cached`.
    unsynced: Vec<(usize, Vec<u8>)>,
    fails: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Writes fail: no space is left.
    Full,
    /// Syncs fail, after as many more that succeed.
    Sync { after: usize },
    /// Reads and writes fail.
    Unreachable,
}

impl Disk {
    fn state(&self) -> std::sync::MutexGuard<'_, DiskState> {
        self.0.lock().unwrap()
    }

    fn set_fault(&self, fault: Option<Fault>) {
        self.state().fails = fault;
    }

    /// The disk after a power loss: of what was not synced, any part may have arrived, in any order.
    fn after_power_loss(&self, ids: &IdSource) -> Self {
        let state = self.state();
        let mut left = state.synced.clone();
        for (offset, data) in &state.unsynced {
            // Disks write sectors whole.
            for (index, sector) in data.chunks(512).enumerate() {
                let at = offset + index * 512;
                if ids.bits().is_multiple_of(2) && at + sector.len() <= left.len() {
                    left[at..at + sector.len()].copy_from_slice(sector);
                }
            }
        }
        let cached = left.clone();
        Self(Arc::new(Mutex::new(DiskState { cached, synced: left, ..DiskState::default() })))
    }
}

fn check(fault: Option<Fault>, among: &[Fault]) -> io::Result<()> {
    match fault {
        Some(Fault::Full) if among.contains(&Fault::Full) => Err(io::ErrorKind::StorageFull.into()),
        Some(Fault::Unreachable) if among.contains(&Fault::Unreachable) => {
            Err(io::Error::other("the test's fault"))
        }
        _ => Ok(()),
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        check(state.fails, &[Fault::Unreachable])?;
        let at = usize::try_from(offset).unwrap();
        let bytes = state.cached.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        check(state.fails, &[Fault::Full, Fault::Unreachable])?;
        let len = usize::try_from(len).unwrap();
        state.cached.resize(len, 0);
        // Taken as durable at once: redb may rely on the length only after a sync anyway.
        state.synced.resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        match &mut state.fails {
            Some(Fault::Sync { after: 0 }) => return Err(io::Error::other("the test's fault")),
            Some(Fault::Sync { after }) => *after -= 1,
            _ => {}
        }
        state.synced = state.cached.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        check(state.fails, &[Fault::Full, Fault::Unreachable])?;
        let at = usize::try_from(offset).unwrap();
        state.cached[at..at + data.len()].copy_from_slice(data);
        state.unsynced.push((at, data.to_vec()));
        Ok(())
    }
}

fn start(disk: &Disk) -> EmbeddedStore {
    let (disk, sync_failed) = (disk.clone(), SyncFailed::default());
    let path = PathBuf::from("test-disk");
    let open = move || open_database(disk.clone(), &sync_failed, Path::new("test-disk"));
    EmbeddedStore::start(path, Box::new(open)).unwrap()
}

fn put(key: &str, value: &str) -> Transaction {
    let mutation =
        Mutation::Put(Bytes::copy_from_slice(key.as_bytes()), Bytes::copy_from_slice(value.as_bytes()));
    Transaction::new().mutate(mutation)
}

async fn value(store: &EmbeddedStore, key: &str) -> Result<Option<Bytes>, StoreError> {
    let entry = store.snapshot().await?.get(key.as_bytes()).await?;
    Ok(entry.map(|entry| entry.value))
}

#[tokio::test]
async fn a_full_disk_refuses_commits_until_there_is_room() {
    let disk = Disk::default();
    let store = start(&disk);
    store.commit(put("a", "1")).await.unwrap();
    disk.set_fault(Some(Fault::Full));
    for _ in 0..2 {
        let refused = store.commit(put("a", "2")).await;
        assert!(matches!(refused, Err(CommitError::Unavailable(_) | CommitError::Unknown(_))), "{refused:?}");
    }
    disk.set_fault(None);
    // What failed for want of space was never visible and is not there now.
    assert_eq!(value(&store, "a").await.unwrap(), Some(Bytes::from_static(b"1")));
    let version = store.commit(put("a", "3")).await.unwrap();
    drop(store);
    let store = start(&disk);
    assert_eq!(value(&store, "a").await.unwrap(), Some(Bytes::from_static(b"3")));
    assert!(store.commit(put("a", "4")).await.unwrap() > version);
}

#[tokio::test]
async fn a_failed_sync_is_never_acknowledged_and_ends_the_service() {
    let disk = Disk::default();
    let store = start(&disk);
    store.commit(put("a", "1")).await.unwrap();
    disk.set_fault(Some(Fault::Sync { after: 0 }));
    let lost = store.commit(put("a", "2")).await;
    assert!(matches!(lost, Err(CommitError::Unknown(_))), "{lost:?}");
    disk.set_fault(None);
    // The kernel may have dropped the pages that it could not write, so a sync that succeeds now proves nothing.
    let refused = store.commit(put("a", "3")).await;
    assert!(
        matches!(&refused, Err(CommitError::Unavailable(why)) if why.contains("start again")),
        "{refused:?}"
    );
    assert!(matches!(value(&store, "a").await, Err(StoreError::Unavailable(_))));
    drop(store);
    let reread = start(&disk.after_power_loss(&IdSource::seeded(1)));
    let left = value(&reread, "a").await.unwrap();
    assert!([Some(Bytes::from_static(b"1")), Some(Bytes::from_static(b"2"))].contains(&left), "{left:?}");
}

#[tokio::test]
async fn reads_alone_find_a_disk_that_came_back() {
    let disk = Disk::default();
    let store = start(&disk);
    store.commit(put("a", "1")).await.unwrap();
    disk.set_fault(Some(Fault::Unreachable));
    assert!(store.commit(put("a", "2")).await.is_err());
    assert!(value(&store, "a").await.is_err());
    disk.set_fault(None);
    assert_eq!(value(&store, "a").await.unwrap(), Some(Bytes::from_static(b"1")));
}

/// Transactions of three keys each; power fails after some of them were acknowledged.
#[tokio::test]
async fn power_loss_keeps_what_was_acknowledged_and_tears_nothing() {
    for seed in 0..40 {
        let ids = IdSource::seeded(seed);
        let disk = Disk::default();
        let store = start(&disk);
        let acknowledged = ids.bits() % 8;
        let both = |number: u64| {
            let value = number.to_string().repeat(2_000);
            let mut transaction = put("left", &value);
            transaction.mutations.extend(put("right", &value).mutations);
            transaction.mutations.extend(put(&format!("number {number}"), &value).mutations);
            transaction
        };
        for number in 0..acknowledged {
            store.commit(both(number)).await.unwrap();
        }
        // One more is written, but the first or second of its syncs does not come back.
        disk.set_fault(Some(Fault::Sync { after: usize::from(ids.bits().is_multiple_of(2)) }));
        store.commit(both(acknowledged)).await.unwrap_err();
        let after = disk.after_power_loss(&ids);
        // A repair would walk the whole file, which takes minutes for a large one.
        let unrepaired =
            Builder::new().set_repair_callback(redb::RepairSession::abort).create_with_backend(after.clone());
        assert!(unrepaired.is_ok(), "seed {seed}: {unrepaired:?}");
        drop(unrepaired);
        let left = start(&after);
        for number in 0..acknowledged {
            assert!(value(&left, &format!("number {number}")).await.unwrap().is_some(), "seed {seed}");
        }
        let (one, other) = (value(&left, "left").await.unwrap(), value(&left, "right").await.unwrap());
        assert_eq!(one, other, "seed {seed}");
        let snapshot = left.snapshot().await.unwrap();
        let entries = snapshot.range(b"", &prefix_end(&[]), usize::MAX, false).await.unwrap();
        let numbers = entries.len().saturating_sub(2) as u64;
        assert!((acknowledged..=acknowledged + 1).contains(&numbers), "seed {seed}: {numbers}");
        left.commit(both(99)).await.unwrap();
    }
}

#[tokio::test]
async fn a_directory_serves_one_store_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made/when/absent");
    let store = EmbeddedStore::open(&path).unwrap();
    let version = store.commit(put("a", "1")).await.unwrap();
    let Err(StoreError::InUse(what)) = EmbeddedStore::open(&path) else { panic!("opened twice") };
    assert!(what.ends_with("store.redb"), "{what}");
    drop(store);
    let store = EmbeddedStore::open(&path).unwrap();
    assert_eq!(value(&store, "a").await.unwrap(), Some(Bytes::from_static(b"1")));
    assert_eq!(store.commit(put("a", "2")).await.unwrap(), Version(version.0 + 1));
}

#[tokio::test]
async fn what_is_no_store_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(FILE_NAME), vec![7; 10_000]).unwrap();
    assert!(EmbeddedStore::open(directory.path()).is_err());
    std::fs::write(directory.path().join(FILE_NAME), b"").unwrap();
    std::fs::create_dir(directory.path().join("file")).unwrap();
    std::fs::write(directory.path().join("file/x"), b"").unwrap();
    assert!(EmbeddedStore::open(&directory.path().join("file/x")).is_err());
}

#[tokio::test]
async fn a_store_of_a_later_format_is_refused() {
    let disk = Disk::default();
    drop(start(&disk));
    let database = Builder::new().create_with_backend(disk.clone()).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert(FORMAT, FORMAT_NUMBER + 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let refused = open_database(disk, &SyncFailed::default(), Path::new("test-disk"));
    assert!(matches!(refused, Err(StoreError::Damaged(why)) if why.contains("format 2")));
}
