use std::sync::Arc;
use std::time::Duration;

use store::{Bytes, MemoryStore, Mutation};

use super::*;
use crate::{cut_off, run_paused};

const LIMIT: Duration = Duration::from_secs(1);

fn put(number: u64) -> Transaction {
    Transaction::new().mutate(Mutation::Put(store::key(&[number.into()]), Bytes::from_static(b"there")))
}

async fn is_there(disk: &MemoryStore, number: u64) -> bool {
    disk.snapshot().await.unwrap().get(&store::key(&[number.into()])).await.unwrap().is_some()
}

#[test]
fn each_kind_of_fault_happens_and_only_what_is_unknown_is_in_doubt() {
    run_paused(LIMIT, async {
        let disk = Arc::new(MemoryStore::new());
        let store = FaultyStore::new(disk.clone(), Chance::new(1));
        store.fail(10);
        let (mut refused, mut lost, mut unheard) = (0, 0, 0);
        for number in 0..300 {
            let outcome = store.commit(put(number)).await;
            match (outcome, is_there(&disk, number).await) {
                (Ok(_), true) => {}
                (Err(CommitError::Unavailable(_)), false) => refused += 1,
                (Err(CommitError::Unknown(_)), false) => lost += 1,
                (Err(CommitError::Unknown(_)), true) => unheard += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(refused > 0 && lost > 0 && unheard > 0, "{refused} {lost} {unheard}");
        store.fail(0);
        for number in 300..600 {
            store.snapshot().await.unwrap();
            store.commit(put(number)).await.unwrap();
        }
    });
}

#[test]
fn what_is_lost_may_come_late() {
    run_paused(LIMIT, async {
        let disk = Arc::new(MemoryStore::new());
        let store = FaultyStore::new(disk.clone(), Chance::new(1)).late(|_| true);
        store.fail(20);
        let mut lost = Vec::new();
        for number in 0..100 {
            let is_unknown = matches!(store.commit(put(number)).await, Err(CommitError::Unknown(_)));
            if is_unknown && !is_there(&disk, number).await {
                lost.push(number);
            }
        }
        store.fail(0);
        store.commit(put(100)).await.unwrap();
        let mut late = 0;
        for &number in &lost {
            late += usize::from(is_there(&disk, number).await);
        }
        assert!(0 < late && late < lost.len(), "{late} of {}", lost.len());
    });
}

#[test]
fn nothing_of_the_dead_reaches_the_disk() {
    run_paused(LIMIT, async {
        let disk = Arc::new(MemoryStore::new());
        let store = FaultyStore::new(disk.clone(), Chance::new(1));
        store.kill();
        cut_off(100, async { panic!("{:?}", store.commit(put(0)).await) }).await;
        cut_off(100, async { panic!("{:?}", store.snapshot().await.map(drop)) }).await;
        assert!(!is_there(&disk, 0).await);
    });
}
