use bytes::Bytes;
use clock::Timestamp;
use stream::SequenceNumber;
use targets::Attempted;

use super::*;

fn batch() -> Vec<Item> {
    (1..=3)
        .map(|number| Item { sequence_number: SequenceNumber(number), arrived: Timestamp::UNIX_EPOCH })
        .collect()
}

fn ran(payload: &str, error: bool) -> Ran {
    Ran {
        request_id: "r".to_owned(),
        attempted: Attempted {
            number: 0,
            version: String::new(),
            duration: std::time::Duration::ZERO,
            cold: false,
            error: None,
            failed_items: 0,
            log_group: String::new(),
            log_stream: String::new(),
        },
        executed_version: "$LATEST".to_owned(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        error: error.then(|| ("Error".to_owned(), "no".to_owned())),
    }
}

/// From which record on the batch failed.
fn failed(payload: &str, reading: Reading) -> Option<usize> {
    match judge(&ran(payload, false), reading, &batch()).0 {
        Outcome::Failed(from, _) => Some(from),
        _ => None,
    }
}

fn id(number: u128) -> String {
    SequenceNumber(number).to_string()
}

const REPORTING: Reading = Reading { item_failures: true, state: false };
const STATEFUL: Reading = Reading { item_failures: true, state: true };

#[test]
fn what_counts_as_success() {
    let payloads =
        ["", "\"\"", "[]", "null", "{}", "{\"batchItemFailures\":[]}", "{\"batchItemFailures\":null}"];
    for payload in payloads {
        assert_eq!(failed(payload, REPORTING), None, "{payload}");
    }
    // What functions answer that know nothing of partial responses.
    assert_eq!(failed("{\"statusCode\":200}", REPORTING), None);
}

#[test]
fn what_fails_the_whole_batch() {
    let items = [
        "{\"itemIdentifier\":\"\"}".to_owned(),
        "{\"itemIdentifier\":null}".to_owned(),
        "{\"itemIdentifier\":123}".to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
        "{\"foo\":123}".to_owned(),
        format!("{{\"itemIdentifier\":\"{}\"}}", id(4)),
        "{\"itemIdentifier\":\"2\"}".to_owned(),
        // One that cannot be understood, behind one that can.
        format!("{{\"itemIdentifier\":\"{}\"}},{{\"itemIdentifier\":\"x\"}}", id(2)),
    ];
    for item in items {
        assert_eq!(failed(&format!("{{\"batchItemFailures\":[{item}]}}"), REPORTING), Some(0), "{item}");
    }
    for payload in ["7", "\"text\"", "not JSON", "{\"batchItemFailures\":{}}", "[1]"] {
        assert_eq!(failed(payload, REPORTING), Some(0), "{payload}");
    }
    assert!(matches!(judge(&ran("{}", true), REPORTING, &batch()).0, Outcome::Failed(0, response)
        if response.is_error));
}

#[test]
fn the_lowest_of_several_records_counts() {
    let payload = format!(
        "{{\"batchItemFailures\":[{{\"itemIdentifier\":\"{}\"}},{{\"itemIdentifier\":\"{}\"}}]}}",
        id(3),
        id(2)
    );
    assert_eq!(failed(&payload, REPORTING), Some(1));
}

#[test]
fn a_mapping_without_the_response_type_ignores_it() {
    let payload = format!("{{\"batchItemFailures\":[{{\"itemIdentifier\":\"{}\"}}]}}", id(2));
    assert_eq!(failed(&payload, Reading { item_failures: false, state: false }), None);
    assert_eq!(failed("not JSON", Reading { item_failures: false, state: false }), None);
}

#[test]
fn a_window_needs_its_state() {
    for payload in ["{}", "null", "{\"state\":null}", "{\"state\":3}", "{\"state\":\"x\"}", "[]", "x"] {
        assert_eq!(failed(payload, STATEFUL), Some(0), "{payload}");
    }
    let (outcome, state) = judge(&ran("{\"state\":{\"a\": 1}}", false), STATEFUL, &batch());
    assert_eq!((outcome, state.unwrap().get()), (Outcome::Succeeded, "{\"a\": 1}"));
    let payload = format!("{{\"state\":{{}},\"batchItemFailures\":[{{\"itemIdentifier\":\"{}\"}}]}}", id(3));
    let (outcome, state) = judge(&ran(&payload, false), STATEFUL, &batch());
    assert!(matches!(outcome, Outcome::Failed(2, _)) && state.is_some());
}

#[test]
fn a_state_that_could_not_be_handed_back_is_refused() {
    let payload = format!("{{\"state\":{{\"a\":\"{}\"}}}}", "x".repeat(STATE_BYTES_LEGAL));
    assert_eq!(failed(&payload, STATEFUL), Some(0));
}
