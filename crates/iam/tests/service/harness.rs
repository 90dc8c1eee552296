//! A service over a store in memory, and requests to it.

use std::sync::Arc;

use api_iam::{CreateRoleRequest, Iam as _, Role};
use auth::{Mode, SessionKeys};
use clock::{Timestamp, VirtualClock};
use iam::{Iam, IamParts};
use ids::{AccountId, IdSource, Region};
use store::MemoryStore;
use wire::{Caller, Context, Error};

pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const TRUST_LAMBDA: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
pub(crate) const PERMISSIONS: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;

pub(crate) struct Service {
    pub(crate) iam: Iam,
    pub(crate) sessions: SessionKeys,
    pub(crate) store: Arc<MemoryStore>,
}

pub(crate) fn created() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

/// Real time, which is not the platform's.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_600_000_000_000)
}

pub(crate) fn service(mode: Mode) -> Service {
    let (store, sessions) = (Arc::new(MemoryStore::new()), SessionKeys::new([7; 32]));
    let iam = Iam::new(IamParts {
        store: store.clone(),
        clock: Arc::new(VirtualClock::new(created())),
        session_clock: Arc::new(VirtualClock::new(now())),
        ids: Arc::new(IdSource::seeded(1)),
        sessions: sessions.clone(),
        mode,
    });
    Service { iam, sessions, store }
}

pub(crate) fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

pub(crate) fn caller(account_id: &str, arn: &str, user_id: &str) -> Context {
    Context {
        request_id: IdSource::seeded(2).request_id(),
        account: account(account_id),
        region: Region::parse("eu-central-1").unwrap(),
        caller: Caller { arn: arn.to_owned(), user_id: user_id.to_owned(), access_key_id: None },
        endpoint: "http://127.0.0.1:4566".to_owned(),
        trace_id: None,
        client: wire::Client::default(),
    }
}

/// The root of an account.
pub(crate) fn root_of(account_id: &str) -> Context {
    caller(account_id, &format!("arn:aws:iam::{account_id}:root"), account_id)
}

pub(crate) fn root() -> Context {
    root_of(ACCOUNT)
}

pub(crate) fn new_role(name: &str, trust_policy: &str) -> CreateRoleRequest {
    CreateRoleRequest {
        role_name: name.to_owned(),
        assume_role_policy_document: trust_policy.to_owned(),
        ..CreateRoleRequest::default()
    }
}

pub(crate) async fn create(service: &Service, name: &str) -> Role {
    create_trusting(service, name, TRUST_LAMBDA).await
}

pub(crate) async fn create_trusting(service: &Service, name: &str, trust_policy: &str) -> Role {
    service.iam.create_role(&root(), new_role(name, trust_policy)).await.unwrap().role
}

/// Code, status and text.
pub(crate) fn told<T>(result: Result<T, Error>) -> (String, u16, String) {
    let Err(error) = result else { panic!("it was fulfilled") };
    (error.code().to_owned(), error.status(), error.message().unwrap_or_default().to_owned())
}

pub(crate) fn answer(code: &str, status: u16, text: &str) -> (String, u16, String) {
    (code.to_owned(), status, text.to_owned())
}

/// What is URL-encoded in answers.
pub(crate) fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}
