//! What is refused, in which words.

use std::collections::BTreeMap;

use api_lambda::*;

use super::harness::{ARN, Harness, UNTRUSTED_ROLE, context, idle, told, zip};

fn with(change: impl FnOnce(&mut CreateFunctionRequest)) -> CreateFunctionRequest {
    let mut request = idle("f");
    change(&mut request);
    request
}

fn variables(name: &str, value: &str) -> Option<Environment> {
    Some(Environment { variables: Some(BTreeMap::from([(name.to_owned(), value.to_owned())])) })
}

async fn assert_refused(cases: Vec<(CreateFunctionRequest, String)>) {
    let harness = Harness::new().await;
    for (request, message) in cases {
        let found = told(harness.lambda.create_function(&context(), request).await);
        assert_eq!(found, ("InvalidParameterValueException".to_owned(), 400, message));
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_is_refused_in_aws_s_words() {
    let long = "x".repeat(65);
    let long_value = "x".repeat(4_096);
    assert_refused(vec![
        (
            with(|request| request.function_name.clone_from(&long)),
            format!(
                "1 validation error detected: Value '{long}' at 'functionName' failed to satisfy constraint: Member \
                 must have length less than or equal to 64"
            ),
        ),
        (
            with(|request| request.role = UNTRUSTED_ROLE.to_owned()),
            "The role defined for the function cannot be assumed by Lambda.".to_owned(),
        ),
        (
            with(|request| request.handler = None),
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
                .to_owned(),
        ),
        (
            with(|request| request.runtime = Some("python2.7".into())),
            "The runtime parameter of python2.7 is no longer supported for creating or updating AWS Lambda \
             functions. We recommend you use a supported runtime while creating or updating functions."
                .to_owned(),
        ),
        (
            with(|request| request.environment = variables("AWS_REGION", "x")),
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. Reserved keys used \
             in this request: AWS_REGION"
                .to_owned(),
        ),
        (
            with(|request| request.environment = variables("A1", &long_value)),
            format!(
                "Lambda was unable to configure your environment variables because the environment variables you \
                 have provided exceeded the 4KB limit. String measured: {{\"A1\":\"{long_value}\"}}"
            ),
        ),
        (
            with(|request| request.memory_size = Some(10_241)),
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240"
                .to_owned(),
        ),
    ])
    .await;
}

#[tokio::test]
async fn code_and_layers_that_cannot_be_are_refused_in_aws_s_words() {
    assert_refused(vec![
        (
            with(|request| request.code.zip_file = Some("no zip".into())),
            "Could not unzip uploaded file. Please check your file, then try to upload again.".to_owned(),
        ),
        (
            with(|request| request.code.zip_file = Some(zip(&[]))),
            "Uploaded file must be a non-empty zip".to_owned(),
        ),
        (
            with(|request| request.code = FunctionCode::default()),
            "Please provide a source for function code.".to_owned(),
        ),
        (
            with(|request| {
                let arn = |number| format!("arn:aws:lambda:eu-central-1:000000000000:layer:l{number}:1");
                request.layers = Some((0..6).map(arn).collect());
            }),
            "Cannot reference more than 5 layers.".to_owned(),
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_is_not_honoured_yet_is_named() {
    let unsupported = |what: &str| format!("{what} is not supported by Lambent yet.");
    assert_refused(vec![
        (with(|request| request.kms_key_arn = Some("arn:aws:kms:::k".to_owned())), unsupported("KMSKeyArn")),
        (
            with(|request| {
                request.vpc_config =
                    Some(VpcConfig { subnet_ids: Some(vec!["subnet-1".to_owned()]), ..VpcConfig::default() });
            }),
            unsupported("VpcConfig"),
        ),
        (
            with(|request| request.tracing_config = Some(TracingConfig { mode: Some(TracingMode::Active) })),
            unsupported("TracingConfig with Mode Active"),
        ),
        (
            with(|request| {
                request.snap_start = Some(SnapStart { apply_on: Some(SnapStartApplyOn::PublishedVersions) });
            }),
            unsupported("SnapStart"),
        ),
        (
            with(|request| request.code.image_uri = Some("image".to_owned())),
            unsupported("A container image (ImageUri)"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn an_unknown_runtime_is_told_which_ones_there_are() {
    let harness = Harness::new().await;
    let request = with(|request| request.runtime = Some("cobol1".into()));
    let (_, _, message) = told(harness.lambda.create_function(&context(), request).await);
    let start =
        "Value cobol1 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [";
    assert!(message.starts_with(start) && message.ends_with("] or be a valid ARN"), "{message}");
}

#[tokio::test]
async fn harmless_defaults_are_accepted() {
    let harness = Harness::new().await;
    let request = with(|request| {
        request.vpc_config = Some(VpcConfig::default());
        request.tracing_config = Some(TracingConfig { mode: Some(TracingMode::PassThrough) });
        request.snap_start = Some(SnapStart { apply_on: Some(SnapStartApplyOn::None) });
        request.kms_key_arn = Some(String::new());
        request.dead_letter_config = Some(DeadLetterConfig { target_arn: Some(String::new()) });
        request.layers = Some(Vec::new());
    });
    assert_eq!(harness.create(request).await.state, Some(State::Active));
}

#[tokio::test]
async fn a_second_function_of_the_same_name_is_refused() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let expected = ("ResourceConflictException".to_owned(), 409, "Function already exist: f".to_owned());
    assert_eq!(told(harness.lambda.create_function(&context(), idle("f")).await), expected);
}

#[tokio::test]
async fn a_function_that_is_not_there_is_named_as_the_caller_did() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let long = "x".repeat(65);
    for (name, message) in [
        ("g", format!("Function not found: {ARN}:g")),
        // Too long for a new function only.
        (&long, format!("Function not found: {ARN}:{long}")),
        ("g:live", format!("Function not found: {ARN}:g:live")),
        ("f:7", format!("Function not found: {ARN}:f:7")),
        ("f:live", format!("Function not found: {ARN}:f:live")),
        (
            "arn:aws:lambda:us-east-1:000000000000:function:f",
            "Functions from 'us-east-1' are not reachable in this region ('eu-central-1')".to_owned(),
        ),
    ] {
        let found = told(harness.configuration(name).await);
        assert_eq!(found, ("ResourceNotFoundException".to_owned(), 404, message));
    }
    let (code, status, _) = told(harness.configuration("111111111111:function:f").await);
    assert_eq!((code.as_str(), status), ("AccessDeniedException", 403));
    let request = GetFunctionRequest { function_name: "f:1".to_owned(), qualifier: Some("2".to_owned()) };
    let message = "The derived qualifier from the function name does not match the specified qualifier.";
    assert_eq!(told(harness.lambda.get_function(&context(), request).await).2, message);
}

#[tokio::test]
async fn what_is_guarded_by_a_revision_or_a_hash_stays() {
    let harness = Harness::new().await;
    let now = harness.create(idle("f")).await;
    let request = UpdateFunctionConfigurationRequest {
        function_name: "f".to_owned(),
        timeout: Some(5),
        revision_id: Some("other".to_owned()),
        ..UpdateFunctionConfigurationRequest::default()
    };
    let expected = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias \
                    API to retrieve the latest Revision Id";
    let found = told(harness.lambda.update_function_configuration(&context(), request).await);
    assert_eq!(found, ("PreconditionFailedException".to_owned(), 412, expected.to_owned()));
    let request = PublishVersionRequest {
        function_name: "f".to_owned(),
        code_sha256: Some("other".to_owned()),
        ..PublishVersionRequest::default()
    };
    let expected = format!(
        "CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({}). Please try again with the \
         CodeSHA256 in $LATEST.",
        now.code_sha256.clone().unwrap()
    );
    assert_eq!(told(harness.lambda.publish_version(&context(), request).await).2, expected);
    assert_eq!(harness.configuration("f").await.unwrap(), now);
}

#[tokio::test]
async fn the_latest_version_and_aliases_are_not_deleted_like_versions() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    for (qualifier, message) in [
        ("$LATEST", "$LATEST version cannot be deleted without deleting the function."),
        ("live", "Deletion of aliases is not currently supported."),
    ] {
        assert_eq!(told(super::functions::delete(&harness, "f", Some(qualifier)).await).2, message);
    }
}

/// The model's own bounds are those of other kinds of functions.
#[tokio::test]
async fn a_timeout_and_a_tmp_above_the_quotas_are_refused() {
    let harness = Harness::new().await;
    for (request, value, member, max) in [
        (with(|request| request.timeout = Some(901)), 901, "timeout", 900),
        (
            with(|request| request.ephemeral_storage = Some(EphemeralStorage { size: 10_241 })),
            10_241,
            "ephemeralStorage.size",
            10_240,
        ),
    ] {
        let message = format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must \
             have value less than or equal to {max}"
        );
        let found = told(harness.lambda.create_function(&context(), request).await);
        assert_eq!(found, ("ValidationException".to_owned(), 400, message));
    }
}
