//! kill -9 while many write: what was acknowledged is there afterwards, and no commit is there in part.
#![expect(clippy::unwrap_used, reason = "a call that fails is a test that fails")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use store::{EmbeddedStore, KeyPart, KeyReader, Mutation, Store, Transaction, key, prefix_end};
use tasks::Tasks;

const WRITERS: u64 = 16;
const ROUNDS: usize = 4;
const ACKS_PER_ROUND: usize = 300;

fn half(side: &'static str, writer: u64, number: u64) -> store::Bytes {
    key(&[side.into(), writer.into(), number.into()])
}

/// The process that is killed: not a test of its own. It is told on its standard input where to write, and tells on
/// its standard output what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test below, in a process of its own"]
async fn writes_until_killed() {
    let mut directory = String::new();
    std::io::stdin().read_to_string(&mut directory).unwrap();
    if directory.is_empty() {
        return;
    }
    let store = Arc::new(EmbeddedStore::open(Path::new(&directory)).unwrap());
    let tasks = Tasks::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        let mut number = count(&*store, &[KeyPart::Str("left"), writer.into()]).await;
        tasks.spawn("writer", async move {
            loop {
                let value = store::Bytes::from(vec![7; 500]);
                let transaction =
                    ["left", "right"].into_iter().fold(Transaction::new(), |transaction, side| {
                        transaction.mutate(Mutation::Put(half(side, writer, number), value.clone()))
                    });
                store.commit(transaction).await.unwrap();
                // One write call, so that the kill cannot cut a line in two.
                std::io::stdout().write_all(format!("acknowledged {writer} {number}\n").as_bytes()).unwrap();
                number += 1;
            }
        });
    }
    tasks.drain().await;
}

async fn count(store: &dyn Store, parts: &[KeyPart<'_>]) -> u64 {
    let prefix = key(parts);
    let snapshot = store.snapshot().await.unwrap();
    snapshot.range(&prefix, &prefix_end(&prefix), usize::MAX, false).await.unwrap().len() as u64
}

/// Starts the writers, kills them after some acknowledgements, and returns all acknowledgements.
fn write_and_kill(directory: &Path) -> Vec<(u64, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["writes_until_killed", "--exact", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(directory.to_str().unwrap().as_bytes()).unwrap();
    let mut acknowledged = Vec::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines {
        let line = line.unwrap();
        // The test harness of the child may have begun the line.
        let Some((_, numbers)) = line.rsplit_once("acknowledged ") else { continue };
        let (writer, number) = numbers.split_once(' ').unwrap();
        acknowledged.push((writer.parse().unwrap(), number.parse().unwrap()));
        if acknowledged.len() == ACKS_PER_ROUND {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    acknowledged
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let more = write_and_kill(directory.path());
        assert!(more.len() >= ACKS_PER_ROUND, "the writers ended by themselves");
        acknowledged.extend(more);
        let store = EmbeddedStore::open(directory.path()).unwrap();
        let snapshot = store.snapshot().await.unwrap();
        let mut sides: HashMap<(u64, u64), u32> = HashMap::new();
        for entry in snapshot.range(&[], &prefix_end(&[]), usize::MAX, false).await.unwrap() {
            let mut reader = KeyReader::new(&entry.key);
            reader.str().unwrap();
            *sides.entry((reader.u64().unwrap(), reader.u64().unwrap())).or_default() += 1;
        }
        for (commit, halves) in &sides {
            assert_eq!(*halves, 2, "round {round}: {commit:?} is torn");
        }
        for commit in &acknowledged {
            assert!(sides.contains_key(commit), "round {round}: {commit:?} was acknowledged and is lost");
        }
    }
}
