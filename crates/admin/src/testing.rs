//! What the tests of several paths need.

use std::sync::Arc;
use std::time::Duration;

use clock::Timestamp;
use ids::{AccountId, Region};
use serde_json::Value;
use store::{MemoryStore, SharedStore};
use targets::{Attempted, Step, What};
use tasks::Tasks;
use trace::{Trace, TraceParts};
use wire::{Body, Response};

pub(crate) const START: Timestamp = Timestamp::from_millis(1_706_688_309_123);

pub(crate) fn store() -> SharedStore {
    Arc::new(MemoryStore::new())
}

pub(crate) fn trace(store: &SharedStore, tasks: &Tasks) -> Trace {
    Trace::new(TraceParts { store: store.clone(), tasks: tasks.clone() })
}

pub(crate) fn account() -> AccountId {
    AccountId::parse("000000000000").unwrap()
}

pub(crate) fn region() -> Region {
    Region::parse("eu-central-1").unwrap()
}

pub(crate) fn step(at: Timestamp, subject: &str, what: What) -> Step {
    Step {
        at,
        account: account(),
        region: region(),
        subject: subject.to_owned(),
        resource: "arn:aws:lambda:eu-central-1:000000000000:function:f".to_owned(),
        what,
    }
}

pub(crate) fn attempted(number: u32) -> What {
    What::Attempted(Attempted {
        number,
        version: "$LATEST".to_owned(),
        duration: Duration::from_millis(7),
        cold: number == 1,
        error: Some(("ValueError".to_owned(), "no".to_owned())),
        failed_items: 0,
        log_group: "/aws/lambda/f".to_owned(),
        log_stream: "2024/01/31/[$LATEST]0123".to_owned(),
    })
}

/// The status and the document of an answer.
pub(crate) fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let Body::Full(body) = response.into_body() else { panic!("a document is one piece") };
    (status, serde_json::from_slice(&body).unwrap())
}
