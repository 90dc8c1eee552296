//! What happens between a change and its effect, and when the server ends in between.

use std::sync::Arc;

use api_lambda::*;
use store::MemoryStore;

use super::functions::update_code;
use super::harness::{ARN, Harness, code, context, idle, told};

/// The preparation is a task that cannot run before the test yields, and is lost with its runtime.
#[test]
fn a_restart_finishes_what_was_unfinished() {
    let store = Arc::new(MemoryStore::default());
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime().block_on(async {
        let harness = Harness::over(store.clone(), directory.clone()).await;
        let created = harness.lambda.create_function(&context(), idle("f")).await.unwrap();
        assert_eq!(created.state, Some(State::Pending));
    });
    runtime().block_on(async {
        let harness = Harness::over(store.clone(), directory.clone()).await;
        assert_eq!(harness.configuration("f").await.unwrap().state, Some(State::Pending));
        harness.lambda.start();
        assert_eq!(harness.settled("f").await.state, Some(State::Active));
        let updated = update_code(&harness, "f", "new").await;
        assert_eq!(updated.last_update_status, Some(LastUpdateStatus::InProgress));
    });
    runtime().block_on(async {
        let harness = Harness::over(store, directory).await;
        harness.lambda.start();
        let settled = harness.settled("f").await;
        assert_eq!(settled.last_update_status, Some(LastUpdateStatus::Successful));
        harness.lambda.tasks.drain().await;
        assert_eq!(harness.keeps_zips(), 1, "the code that was replaced is gone");
    });
}

#[tokio::test]
async fn code_that_cannot_be_prepared_fails_with_a_reason_and_a_new_one_heals_it() {
    let harness = Harness::new().await;
    let created = harness.lambda.create_function(&context(), idle("f")).await.unwrap();
    // Nothing has yielded since: the preparation has not begun.
    assert_eq!(created.state, Some(State::Pending));
    harness.lose_packages();
    let failed = harness.settled("f").await;
    assert_eq!(failed.state, Some(State::Failed));
    assert_eq!(failed.state_reason_code, Some(StateReasonCode::InternalError));
    assert!(failed.state_reason.unwrap().contains("there is no package"), "says why");
    let (code, status, message) = told(harness.invoke("f", "{}").await);
    assert_eq!((code.as_str(), status), ("ResourceConflictException", 409));
    assert!(message.starts_with("The operation cannot be performed at this time."), "{message}");
    update_code(&harness, "f", "new").await;
    let healed = harness.settled("f").await;
    assert_eq!(healed.state, Some(State::Active));
    assert_eq!(healed.last_update_status, Some(LastUpdateStatus::Successful));
}

#[tokio::test]
async fn nothing_is_changed_while_a_change_is_under_way() {
    let harness = Harness::new().await;
    harness.lambda.create_function(&context(), idle("f")).await.unwrap();
    let update = || UpdateFunctionConfigurationRequest {
        function_name: "f".to_owned(),
        timeout: Some(5),
        ..UpdateFunctionConfigurationRequest::default()
    };
    let pending = "The operation cannot be performed at this time. The function is currently in the following \
                   state: Pending";
    let conflict = |text: &str| ("ResourceConflictException".to_owned(), 409, text.to_owned());
    assert_eq!(
        told(harness.lambda.update_function_configuration(&context(), update()).await),
        conflict(pending)
    );
    assert_eq!(told(harness.invoke("f", "{}").await), conflict(pending));
    harness.settled("f").await;

    harness.lambda.update_function_configuration(&context(), update()).await.unwrap();
    let in_progress = format!(
        "The operation cannot be performed at this time. An update is in progress for resource: {ARN}:f"
    );
    let publish = PublishVersionRequest { function_name: "f".to_owned(), ..PublishVersionRequest::default() };
    assert_eq!(told(harness.lambda.publish_version(&context(), publish).await), conflict(&in_progress));
    let again = harness.lambda.update_function_configuration(&context(), update()).await;
    assert_eq!(told(again), conflict(&in_progress));
}

#[tokio::test]
async fn of_two_updates_at_the_same_time_one_is_told_of_the_conflict() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let update = |text: &str| UpdateFunctionCodeRequest {
        function_name: "f".to_owned(),
        zip_file: code(text).zip_file,
        ..UpdateFunctionCodeRequest::default()
    };
    let context = context();
    let (one, two) = tokio::join!(
        harness.lambda.update_function_code(&context, update("one")),
        harness.lambda.update_function_code(&context, update("two")),
    );
    let (succeeded, failed): (Vec<_>, Vec<_>) = [one, two].into_iter().partition(Result::is_ok);
    assert_eq!((succeeded.len(), failed.len()), (1, 1));
    assert_eq!(told(failed.into_iter().next().unwrap()).0, "ResourceConflictException");
}

#[tokio::test]
async fn the_revision_changes_once_more_when_a_change_takes_effect() {
    let harness = Harness::new().await;
    let created = harness.lambda.create_function(&context(), idle("f")).await.unwrap();
    let active = harness.settled("f").await;
    assert_ne!(created.revision_id, active.revision_id);
    let updating = update_code(&harness, "f", "new").await;
    let updated = harness.settled("f").await;
    assert_ne!(updating.revision_id, active.revision_id);
    assert_ne!(updating.revision_id, updated.revision_id);
    let publish = |revision_id: Option<String>| PublishVersionRequest {
        function_name: "f".to_owned(),
        revision_id,
        ..PublishVersionRequest::default()
    };
    let stale = harness.lambda.publish_version(&context(), publish(updating.revision_id)).await;
    assert_eq!(told(stale).0, "PreconditionFailedException");
    harness.lambda.publish_version(&context(), publish(updated.revision_id)).await.unwrap();
}
