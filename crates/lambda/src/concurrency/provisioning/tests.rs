//! What is provisioned for a version that cannot be invoked yet.

use api_lambda::{CreateFunctionRequest, DeleteFunctionRequest, Lambda as _};
use ids::{AccountId, Region};
use invoker::ProvisionedStatus;
use store::Transaction;

use super::*;
use crate::background::preparation;
use crate::tables::concurrency::{PROVISIONED, ProvisionedRecord};
use crate::tables::function::{VERSIONS, put_version};
use crate::tables::unfinished::Unfinished;
use crate::tests::harness::{Harness, context, idle};

/// A function with a version 1 for which one environment is wanted, and which is still to be prepared.
async fn pending() -> (Harness, FunctionKey, FunctionArn) {
    let harness = Harness::new().await;
    harness.create(CreateFunctionRequest { publish: Some(true), ..idle("g") }).await;
    let key = FunctionKey {
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        name: "g".to_owned(),
    };
    let arn = key.arn().qualified(Qualifier::Version(1));
    // Its own preparation, which goes on in the background, may come in between.
    loop {
        let mut transaction = Transaction::new();
        let row = VERSIONS.get_now(&*harness.store, &key.parts_and(1_u64)).await.unwrap().unwrap();
        let version = VersionRecord { state: State::Pending, ..row.record.clone() };
        put_version(&mut transaction, &key, 1, Some(&row), &version).unwrap();
        Unfinished { key: key.clone(), number: Some(1) }.put(&mut transaction).unwrap();
        let record = ProvisionedRecord { executions: 1, last_modified: row.record.last_modified };
        PROVISIONED.put(&mut transaction, &key.parts_and("1"), &record).unwrap();
        if row.record.state == State::Active && harness.store.commit(transaction).await.is_ok() {
            return (harness, key, arn);
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_started_and_nothing_has_failed() {
    let (harness, key, arn) = pending().await;
    apply(&harness.lambda, &key).await.unwrap();
    assert_eq!(harness.lambda.invoker.provisioned(&arn), ProvisionedStatus::default());
    assert_eq!(harness.lambda.provisioning.failure(&arn), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_started_once_it_is_prepared() {
    let (harness, _key, arn) = pending().await;
    preparation::resume(&harness.lambda).await.unwrap();
    let asked = async {
        while harness.lambda.invoker.provisioned(&arn).requested != 1 {
            tokio::task::yield_now().await;
        }
    };
    clock::execution_timeout(std::time::Duration::from_secs(30), asked).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_started_after_its_version_was_deleted_is_ended() {
    let (harness, key, arn) = pending().await;
    let lambda = &harness.lambda;
    preparation::resume(lambda).await.unwrap();
    let row = VERSIONS.get_now(&*harness.store, &key.parts_and(1_u64)).await.unwrap().unwrap();
    let target = make_target(lambda, &key, &row.record).await.unwrap();
    let input = DeleteFunctionRequest { function_name: "g".to_owned(), qualifier: None };
    lambda.delete_function(&context(), input).await.unwrap();
    lambda.invoker.set_provisioned(&target.function, 1);
    apply(lambda, &key).await.unwrap();
    assert_eq!(lambda.invoker.provisioned(&arn).requested, 0);
}
