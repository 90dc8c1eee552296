//! Functions: made, shown, listed, changed and deleted.

use std::collections::BTreeMap;

use api_lambda::*;

use super::harness::{ARN, Harness, ROLE, code, context, idle, zip};

#[tokio::test]
async fn a_new_function_is_shown_as_it_was_asked_for() {
    let harness = Harness::new().await;
    let mut request = idle("f");
    request.description = Some("what it does".to_owned());
    request.timeout = Some(7);
    request.memory_size = Some(256);
    request.ephemeral_storage = Some(EphemeralStorage { size: 600 });
    let variables = BTreeMap::from([("STAGE".to_owned(), "test".to_owned())]);
    request.environment = Some(Environment { variables: Some(variables.clone()) });
    request.tags = Some(BTreeMap::from([("team".to_owned(), "a".to_owned())]));
    let dead_letters = "arn:aws:sqs:eu-central-1:000000000000:q".to_owned();
    request.dead_letter_config = Some(DeadLetterConfig { target_arn: Some(dead_letters.clone()) });
    request.logging_config = Some(LoggingConfig {
        log_format: Some(LogFormat::Json),
        application_log_level: Some(ApplicationLogLevel::Debug),
        ..LoggingConfig::default()
    });
    let created = harness.lambda.create_function(&context(), request).await.unwrap();
    assert_eq!(created.state, Some(State::Pending));
    assert_eq!(created.state_reason.as_deref(), Some("The function is being created."));
    assert_eq!(created.state_reason_code, Some(StateReasonCode::Creating));
    assert_eq!(created.last_update_status, None);

    let now = harness.settled("f").await;
    assert_eq!(now.state, Some(State::Active));
    assert_eq!(now.last_update_status, Some(LastUpdateStatus::Successful));
    assert_eq!(now.function_arn, Some(format!("{ARN}:f")));
    assert_eq!(now.version.as_deref(), Some("$LATEST"));
    assert_eq!((now.timeout, now.memory_size), (Some(7), Some(256)));
    assert_eq!(now.ephemeral_storage, Some(EphemeralStorage { size: 600 }));
    assert_eq!(now.description.as_deref(), Some("what it does"));
    assert_eq!(now.environment.and_then(|environment| environment.variables), Some(variables));
    assert_eq!(now.dead_letter_config.and_then(|config| config.target_arn), Some(dead_letters));
    let logging = now.logging_config.unwrap();
    assert_eq!(logging.log_group.as_deref(), Some("/aws/lambda/f"));
    assert_eq!(logging.application_log_level, Some(ApplicationLogLevel::Debug));
    assert_eq!(logging.system_log_level, Some(SystemLogLevel::Info));
    assert_eq!(now.code_size, Some(i64::try_from(code("f").zip_file.unwrap().len()).unwrap()));
    assert!(now.last_modified.unwrap().ends_with("+0000"));
}

#[tokio::test]
async fn what_was_not_said_has_aws_s_defaults() {
    let harness = Harness::new().await;
    let now = harness.create(idle("f")).await;
    assert_eq!((now.timeout, now.memory_size), (Some(3), Some(128)));
    assert_eq!(now.ephemeral_storage, Some(EphemeralStorage { size: 512 }));
    assert_eq!(now.description.as_deref(), Some(""));
    assert_eq!(now.environment, None);
    assert_eq!(now.package_type, Some(PackageType::Zip));
    assert_eq!(now.tracing_config.unwrap().mode, Some(TracingMode::PassThrough));
    assert_eq!(now.logging_config.unwrap().log_format, Some(LogFormat::Text));
}

#[tokio::test]
async fn the_code_can_be_downloaded_again() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let request = GetFunctionRequest { function_name: "f".to_owned(), qualifier: None };
    let got = harness.lambda.get_function(&context(), request).await.unwrap();
    let location = got.code.unwrap().location.unwrap();
    let token = location.strip_prefix("http://127.0.0.1:4566/_lambent/code/").unwrap();
    assert_eq!(harness.lambda.read_code(token).await, code("f").zip_file);
    assert_eq!(harness.lambda.read_code("nonsense").await, None);
}

#[tokio::test]
async fn every_form_of_a_name_leads_to_the_function() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let unqualified = ["f", "000000000000:function:f", &format!("{ARN}:f")].map(str::to_owned);
    for name in unqualified {
        assert_eq!(harness.configuration(&name).await.unwrap().function_arn, Some(format!("{ARN}:f")));
    }
    let shown = harness.configuration(&format!("{ARN}:f:$LATEST")).await.unwrap();
    assert_eq!(shown.function_arn, Some(format!("{ARN}:f:$LATEST")));
}

#[tokio::test]
async fn lists_come_in_pages_and_in_order() {
    let harness = Harness::new().await;
    for name in ["c", "a", "b"] {
        harness.create(idle(name)).await;
    }
    publish(&harness, "a", None).await;
    let list = async |function_version: Option<FunctionVersion>| {
        let mut found = Vec::new();
        let mut marker = None;
        loop {
            let (function_version, max_items) = (function_version.clone(), Some(1));
            let request = ListFunctionsRequest { function_version, marker, max_items, master_region: None };
            let page = harness.lambda.list_functions(&context(), request).await.unwrap();
            let functions = page.functions.unwrap();
            assert!(functions.len() <= 1);
            assert!(functions.iter().all(|function| function.state.is_none()));
            found.extend(functions.into_iter().map(|function| function.function_arn.unwrap()));
            marker = page.next_marker;
            if marker.is_none() {
                return found;
            }
        }
    };
    assert_eq!(list(None).await, ["a", "b", "c"].map(|name| format!("{ARN}:{name}")));
    let all = ["a:$LATEST", "a:1", "b:$LATEST", "c:$LATEST"].map(|name| format!("{ARN}:{name}"));
    assert_eq!(list(Some(FunctionVersion::All)).await, all);
}

#[tokio::test]
async fn new_code_takes_the_place_of_the_old() {
    let harness = Harness::new().await;
    let before = harness.create(idle("f")).await;
    let updated = update_code(&harness, "f", "new").await;
    assert_eq!(updated.last_update_status, Some(LastUpdateStatus::InProgress));
    assert_ne!(updated.code_sha256, before.code_sha256);
    assert_ne!(updated.revision_id, before.revision_id);
    let after = harness.settled("f").await;
    assert_eq!(after.last_update_status, Some(LastUpdateStatus::Successful));
    assert_eq!(after.code_sha256, updated.code_sha256);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let harness = Harness::new().await;
    let before = harness.create(idle("f")).await;
    let request = UpdateFunctionCodeRequest {
        function_name: "f".to_owned(),
        zip_file: Some(zip(&[("bootstrap", "new")])),
        dry_run: Some(true),
        ..UpdateFunctionCodeRequest::default()
    };
    let answer = harness.lambda.update_function_code(&context(), request).await.unwrap();
    assert_ne!(answer.code_sha256, before.code_sha256);
    assert_eq!(harness.configuration("f").await.unwrap(), before);
    harness.lambda.tasks.drain().await;
    assert_eq!(harness.keeps_zips(), 1);
}

#[tokio::test]
async fn only_what_is_said_is_configured_anew() {
    let harness = Harness::new().await;
    let mut request = idle("f");
    request.description = Some("stays".to_owned());
    harness.create(request).await;
    let request = UpdateFunctionConfigurationRequest {
        function_name: "f".to_owned(),
        timeout: Some(9),
        role: Some(ROLE.to_owned()),
        ..UpdateFunctionConfigurationRequest::default()
    };
    harness.lambda.update_function_configuration(&context(), request).await.unwrap();
    let after = harness.settled("f").await;
    assert_eq!((after.timeout, after.description.as_deref()), (Some(9), Some("stays")));
}

#[tokio::test]
async fn a_deleted_function_leaves_nothing_behind() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    publish(&harness, "f", None).await;
    let alias = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: "1".to_owned(),
        ..CreateAliasRequest::default()
    };
    harness.lambda.create_alias(&context(), alias).await.unwrap();
    delete(&harness, "f", None).await.unwrap();
    assert!(harness.configuration("f").await.is_err());
    harness.lambda.tasks.drain().await;
    assert_eq!(harness.keeps_zips(), 0);
    // Of what another function of this name would find.
    let snapshot = harness.store.snapshot().await.unwrap();
    let left = snapshot.range(b"", &[0xff], 100, false).await.unwrap();
    assert_eq!(left, Vec::new());
}

#[tokio::test]
async fn code_that_another_function_uses_stays() {
    let harness = Harness::new().await;
    let mut second = idle("g");
    second.code = code("f");
    harness.create(idle("f")).await;
    harness.create(second).await;
    delete(&harness, "f", None).await.unwrap();
    harness.lambda.tasks.drain().await;
    assert_eq!(harness.keeps_zips(), 1);
}

pub(super) async fn publish(
    harness: &Harness,
    name: &str,
    description: Option<&str>,
) -> FunctionConfiguration {
    let request = PublishVersionRequest {
        function_name: name.to_owned(),
        description: description.map(str::to_owned),
        ..PublishVersionRequest::default()
    };
    harness.lambda.publish_version(&context(), request).await.unwrap()
}

pub(super) async fn update_code(harness: &Harness, name: &str, text: &str) -> FunctionConfiguration {
    let request = UpdateFunctionCodeRequest {
        function_name: name.to_owned(),
        zip_file: code(text).zip_file,
        ..UpdateFunctionCodeRequest::default()
    };
    harness.lambda.update_function_code(&context(), request).await.unwrap()
}

pub(super) async fn delete(
    harness: &Harness,
    name: &str,
    qualifier: Option<&str>,
) -> Result<DeleteFunctionResponse, Error> {
    let (function_name, qualifier) = (name.to_owned(), qualifier.map(str::to_owned));
    harness.lambda.delete_function(&context(), DeleteFunctionRequest { function_name, qualifier }).await
}
