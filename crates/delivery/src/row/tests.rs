use std::time::Duration;

use store::{MemoryStore, Store};

use super::*;

const FUNCTION: &str = "arn:aws:lambda:eu-central-1:000000000000:function:f";

fn stored(payload_bytes: usize, response_bytes: Option<usize>) -> Stored {
    let accepted = Timestamp::from_millis(1_700_000_000_123);
    let bytes = |letter: u8, count: usize| Bytes::from(vec![letter; count]);
    let mut stored = Stored::new(Event {
        id: RequestId::from_random(7),
        function: FunctionArn::parse(&format!("{FUNCTION}:live")).unwrap(),
        payload: bytes(b'\n', payload_bytes),
        trace_header: Some("Root=1-2".to_owned()),
        accepted,
        failures: 1,
    });
    stored.due = accepted + Duration::from_secs(60);
    stored.deferrals = 3;
    stored.response = response_bytes.map(|count| Response {
        executed_version: "4".to_owned(),
        error: Some(("Error".to_owned(), "no".to_owned())),
        payload: bytes(b'r', count),
    });
    stored.ending = response_bytes.map(|_| Ending {
        condition: Condition::RetriesExhausted,
        at: stored.due,
        invoke_count: 3,
        receivers: vec![Receiver {
            role: Role::OnFailure,
            arn: Arn::parse("arn:aws:sqs:eu-central-1:000000000000:q").unwrap(),
        }],
        tries: 2,
    });
    stored
}

#[tokio::test]
async fn what_is_written_is_read_back_and_leaves_nothing_behind() {
    let store = MemoryStore::new();
    let sizes = [
        (0, None),
        (2, None),
        (2, Some(5)),
        (INLINE_BYTES, None),
        (INLINE_BYTES, Some(1)),
        (INLINE_BYTES - 1, Some(PART_BYTES + 1)),
        (1 << 20, Some(6 << 20)),
    ];
    for (payload_bytes, response_bytes) in sizes {
        let stored = stored(payload_bytes, response_bytes);
        let mut put = Transaction::new();
        stored.put(&mut put).unwrap();
        store.commit(put).await.unwrap();

        let function = stored.event.function.unqualified();
        let rows = of_function(&function);
        let snapshot = store.snapshot().await.unwrap();
        let entries = snapshot.range(&rows.start, &rows.end, 2, false).await.unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(read_key(&entries[0].key).unwrap(), (function.clone(), stored.due, stored.event.id));
        assert_eq!(Stored::read(&*snapshot, &entries[0]).await.unwrap(), stored);
        assert!(after(&function, stored.due) > entries[0].key);
        assert!(after(&function, stored.due - Duration::from_micros(1)) <= entries[0].key);

        let mut delete = Transaction::new();
        stored.row().check(&mut delete);
        stored.row().delete(&mut delete);
        store.commit(delete.clone()).await.unwrap();
        let everything = store.snapshot().await.unwrap().range(b"", &[0xff], 9, false).await.unwrap();
        assert_eq!(everything, []);
        assert!(matches!(store.commit(delete).await, Err(store::CommitError::Conflict(_))));
    }
}

#[test]
fn a_small_event_costs_little() {
    let mut stored = stored(100, None);
    stored.event.trace_header = None;
    stored.event.failures = 0;
    stored.deferrals = 0;
    let mut put = Transaction::new();
    stored.put(&mut put).unwrap();
    let [Mutation::Put(key, value)] = &put.mutations[..] else { panic!("one row") };
    assert!(key.len() + value.len() < 350, "{}", key.len() + value.len());
}

#[tokio::test]
async fn a_damaged_row_is_refused() {
    let store = MemoryStore::new();
    let snapshot = store.snapshot().await.unwrap();
    let good = stored(2, None);
    for value in [
        &b""[..],
        b"{}\n",
        b"{\"accepted\":1,\"payload_bytes\":9}\n{}",
        b"{\"accepted\":1,\"payload_bytes\":0}\n{}",
    ] {
        let entry =
            Entry { key: good.key(), value: Bytes::copy_from_slice(value), version: store::Version(1) };
        assert!(matches!(Stored::read(&*snapshot, &entry).await, Err(StoreError::Damaged(_))), "{value:?}");
    }
}
