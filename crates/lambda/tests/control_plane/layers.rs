//! Layers.

use api_lambda::{
    AddLayerVersionPermissionRequest, DeleteFunctionRequest, DeleteLayerVersionRequest,
    GetLayerVersionByArnRequest, GetLayerVersionPolicyRequest, GetLayerVersionRequest, Lambda as _,
    LayerVersionContentInput, ListLayerVersionsRequest, ListLayersRequest, PublishLayerVersionRequest,
    RemoveLayerVersionPermissionRequest,
};
use bytes::Bytes;
use serde_json::json;

use crate::harness::{
    BOOTSTRAP, CONFLICT, DENIED, Harness, INVALID, NOT_FOUND, NOW_TEXT, PRECONDITION, context, eventually,
    function_input, refused, zip,
};

const ARN: &str = "arn:aws:lambda:eu-central-1:000000000000:layer:l";

fn get(name: &str, version_number: i64) -> GetLayerVersionRequest {
    GetLayerVersionRequest { layer_name: name.to_owned(), version_number }
}

fn delete(name: &str, version_number: i64) -> DeleteLayerVersionRequest {
    DeleteLayerVersionRequest { layer_name: name.to_owned(), version_number }
}

fn share(sid: &str, principal: &str) -> AddLayerVersionPermissionRequest {
    AddLayerVersionPermissionRequest {
        layer_name: "l".to_owned(),
        version_number: 1,
        statement_id: sid.to_owned(),
        action: "lambda:GetLayerVersion".to_owned(),
        principal: principal.to_owned(),
        ..AddLayerVersionPermissionRequest::default()
    }
}

fn unshare(sid: &str) -> RemoveLayerVersionPermissionRequest {
    RemoveLayerVersionPermissionRequest {
        layer_name: "l".to_owned(),
        version_number: 1,
        statement_id: sid.to_owned(),
        revision_id: None,
    }
}

fn policy() -> GetLayerVersionPolicyRequest {
    GetLayerVersionPolicyRequest { layer_name: "l".to_owned(), version_number: 1 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_shown_as_it_was_published() {
    let harness = Harness::new().await;
    let content = zip(&[("python/of_layer.py", b"l")]);
    let published = harness
        .layer("l", |input| {
            input.description = Some("d".to_owned());
            input.license_info = Some("MIT".to_owned());
            input.compatible_runtimes = Some(vec!["python3.12".into()]);
            input.compatible_architectures = Some(vec!["arm64".into()]);
        })
        .await;
    assert_eq!(published.layer_arn.as_deref(), Some(ARN));
    assert_eq!(published.layer_version_arn, Some(format!("{ARN}:1")));
    assert_eq!(published.version, Some(1));
    assert_eq!(published.description.as_deref(), Some("d"));
    assert_eq!(published.license_info.as_deref(), Some("MIT"));
    assert_eq!(published.created_date.as_deref(), Some(NOW_TEXT));
    assert_eq!(published.compatible_runtimes, Some(vec!["python3.12".into()]));
    assert_eq!(published.compatible_architectures, Some(vec!["arm64".into()]));
    let shown = published.content.unwrap();
    assert_eq!(shown.code_size, i64::try_from(content.len()).ok());

    let by_arn = GetLayerVersionByArnRequest { arn: format!("{ARN}:1") };
    for got in [
        harness.lambda.get_layer_version(&harness.context, get("l", 1)).await.unwrap(),
        harness.lambda.get_layer_version(&harness.context, get(ARN, 1)).await.unwrap(),
        harness.lambda.get_layer_version_by_arn(&harness.context, by_arn).await.unwrap(),
    ] {
        assert_eq!(got.layer_version_arn, published.layer_version_arn);
        assert_eq!(got.description, published.description);
        assert_eq!(got.compatible_runtimes, published.compatible_runtimes);
        let location = got.content.unwrap().location.unwrap();
        let token = location.rsplit_once(lambda::CODE_PATH).unwrap().1;
        assert_eq!(harness.lambda.read_code(token).await, Some(content.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_said_is_not_shown() {
    let harness = Harness::new().await;
    let published = harness.layer("l", |_| {}).await;
    assert_eq!(published.description.as_deref(), Some(""));
    assert_eq!(
        (published.license_info, published.compatible_runtimes, published.compatible_architectures),
        (None, None, None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_never_used_again() {
    let harness = Harness::new().await;
    for expected in 1..=2 {
        assert_eq!(harness.layer("l", |_| {}).await.version, Some(expected));
        harness.lambda.delete_layer_version(&harness.context, delete("l", expected)).await.unwrap();
    }
    assert_eq!(harness.layer("l", |_| {}).await.version, Some(3));
    // Deleting what is not there is no error.
    harness.lambda.delete_layer_version(&harness.context, delete("l", 1)).await.unwrap();
    harness.lambda.delete_layer_version(&harness.context, delete("never", 1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_keeps_its_package_through_a_restart() {
    let harness = Harness::new().await;
    let location = harness.layer("l", |_| {}).await.content.unwrap().location.unwrap();
    let stored = harness.parts.packages.put_zip(zip(&[("orphan", b"")])).await.unwrap();
    let orphan = stored.package.key.clone();
    drop(stored);
    let packages = harness.parts.packages.clone();
    let harness = harness.restarted();
    eventually("orphans are swept", async || packages.read_zip(&orphan).await.is_err().then_some(())).await;
    let shown = harness.lambda.get_layer_version(&harness.context, get("l", 1)).await.unwrap();
    assert_ne!(
        shown.content.as_ref().unwrap().location.as_ref(),
        Some(&location),
        "links end with the server"
    );
    let location = shown.content.unwrap().location.unwrap();
    let token = location.rsplit_once(lambda::CODE_PATH).unwrap().1;
    assert!(harness.lambda.read_code(token).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_published_is_refused_in_aws_words() {
    let harness = Harness::new().await;
    let unzip = "Could not unzip uploaded file. Please check your file, then try to upload again.";
    let no_s3 = "A layer's content in S3 is not supported by Lambent yet.";
    let content = |zip_file: Option<&'static [u8]>, s3_bucket: Option<&str>| LayerVersionContentInput {
        zip_file: zip_file.map(Bytes::from_static),
        s3_bucket: s3_bucket.map(str::to_owned),
        ..LayerVersionContentInput::default()
    };
    for (content, code, message) in [
        (content(Some(b"no zip"), None), INVALID, unzip),
        (content(Some(b""), None), INVALID, "Uploaded file must be a non-empty zip"),
        (content(None, Some("bucket")), INVALID, no_s3),
        (content(None, None), INVALID, "Please provide a source for layer version content."),
    ] {
        let input = PublishLayerVersionRequest {
            layer_name: "l".to_owned(),
            content,
            ..PublishLayerVersionRequest::default()
        };
        refused(harness.lambda.publish_layer_version(&harness.context, input), code, message).await;
    }
    // Nothing of it took a number.
    assert_eq!(harness.layer("l", |_| {}).await.version, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_told_in_aws_words() {
    let harness = Harness::new().await;
    harness.layer("l", |_| {}).await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    let missing = "The resource you requested does not exist.";
    refused(lambda.get_layer_version(context, get("l", 2)), NOT_FOUND, missing).await;
    refused(lambda.get_layer_version(context, get("other", 1)), NOT_FOUND, missing).await;
    let by_arn = GetLayerVersionByArnRequest { arn: format!("{ARN}:99999999999999999999") };
    refused(lambda.get_layer_version_by_arn(context, by_arn), NOT_FOUND, missing).await;
    let too_small = "Layer Version Cannot be less than 1";
    for number in [0, -1, i64::MIN] {
        refused(lambda.get_layer_version(context, get("l", number)), INVALID, too_small).await;
        refused(lambda.delete_layer_version(context, delete("l", number)), INVALID, too_small).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_the_newest_first_filter_and_page() {
    let harness = Harness::new().await;
    for (name, runtime) in
        [("a", "python3.12"), ("a", "nodejs22.x"), ("b", "python3.12"), ("a", "python3.12")]
    {
        harness.layer(name, |input| input.compatible_runtimes = Some(vec![runtime.into()])).await;
    }
    harness.layer("c", |_| {}).await;
    harness.layer("gone", |_| {}).await;
    harness.lambda.delete_layer_version(&harness.context, delete("gone", 1)).await.unwrap();
    for (runtime, max_items, pages) in [
        (None, None, vec![vec!["a:3", "b:1", "c:1"]]),
        (None, Some(1), vec![vec!["a:3"], vec!["b:1"], vec!["c:1"]]),
        (None, Some(2), vec![vec!["a:3", "b:1"], vec!["c:1"]]),
        (None, Some(3), vec![vec!["a:3", "b:1", "c:1"]]),
        (Some("nodejs22.x"), None, vec![vec!["a:2"]]),
        (Some("python3.12"), Some(1), vec![vec!["a:3"], vec!["b:1"]]),
        (Some("java21"), None, vec![vec![]]),
    ] {
        let mut marker = None;
        for page in &pages {
            let input = ListLayersRequest {
                compatible_runtime: runtime.map(Into::into),
                max_items,
                marker: marker.take(),
                ..ListLayersRequest::default()
            };
            let answer = harness.lambda.list_layers(&harness.context, input).await.unwrap();
            let layers = answer.layers.unwrap().into_iter().map(|layer| {
                let version = layer.latest_matching_version.unwrap().version.unwrap();
                format!("{}:{version}", layer.layer_name.unwrap())
            });
            assert_eq!(layers.collect::<Vec<_>>(), *page, "{runtime:?} {max_items:?}");
            marker = answer.next_marker;
        }
        assert_eq!(marker, None, "{runtime:?} {max_items:?}");
    }
    for (runtime, max_items, pages) in [
        (None, None, vec![vec![3, 2, 1]]),
        (None, Some(2), vec![vec![3, 2], vec![1]]),
        (Some("python3.12"), Some(1), vec![vec![3], vec![1]]),
    ] {
        let mut marker = None;
        for page in &pages {
            let input = ListLayerVersionsRequest {
                layer_name: "a".to_owned(),
                compatible_runtime: runtime.map(Into::into),
                max_items,
                marker: marker.take(),
                ..ListLayerVersionsRequest::default()
            };
            let answer = harness.lambda.list_layer_versions(&harness.context, input).await.unwrap();
            let versions = answer.layer_versions.unwrap().into_iter().filter_map(|version| version.version);
            assert_eq!(versions.collect::<Vec<i64>>(), *page, "{runtime:?} {max_items:?}");
            marker = answer.next_marker;
        }
        assert_eq!(marker, None, "{runtime:?} {max_items:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_of_another_list_is_refused() {
    let harness = Harness::new().await;
    let input = ListLayerVersionsRequest {
        layer_name: "a".to_owned(),
        marker: Some("x".to_owned()),
        ..ListLayerVersionsRequest::default()
    };
    let answer = harness.lambda.list_layer_versions(&harness.context, input);
    refused(answer, INVALID, "Invalid pagination token: x").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_goes_on_using_a_version_that_was_deleted() {
    let harness = Harness::new().await;
    let published = harness.layer("l", |_| {}).await;
    let location = published.content.unwrap().location.unwrap();
    let token = location.rsplit_once(lambda::CODE_PATH).unwrap().1;
    let arn = published.layer_version_arn.unwrap();
    let function = harness.function_of("f", BOOTSTRAP, vec![arn.clone()]).await;
    assert_eq!(function.layers.unwrap()[0].arn.as_ref(), Some(&arn));

    harness.lambda.delete_layer_version(&harness.context, delete("l", 1)).await.unwrap();
    let missing = format!("Layer version {arn} does not exist.");
    let other = function_input("g", BOOTSTRAP, vec![arn]);
    refused(harness.lambda.create_function(&harness.context, other), INVALID, &missing).await;
    assert!(harness.configuration("f", None).await.layers.is_some());
    assert!(harness.lambda.read_code(token).await.is_some(), "its package is still needed");

    let input = DeleteFunctionRequest { function_name: "f".to_owned(), qualifier: None };
    harness.lambda.delete_function(&harness.context, input).await.unwrap();
    eventually("its package is removed", async || {
        harness.lambda.read_code(token).await.is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_that_a_function_cannot_use_are_refused_in_aws_words() {
    let harness = Harness::new().await;
    for _ in 0..2 {
        harness.layer("l", |_| {}).await;
    }
    let numbered = |numbers: &[u32]| numbers.iter().map(|number| format!("{ARN}:{number}")).collect();
    let elsewhere = "arn:aws:lambda:us-east-1:000000000000:layer:l:1".to_owned();
    let of_aws = "arn:aws:lambda:::awslayer:AmazonLinux1803".to_owned();
    let cases: [(Vec<String>, String); 5] = [
        (numbered(&[1, 2, 3, 4, 5, 6]), "Cannot reference more than 5 layers.".to_owned()),
        (numbered(&[3]), format!("Layer version {ARN}:3 does not exist.")),
        (
            numbered(&[2, 1]),
            format!(
                "Two different versions of the same layer are not allowed to be referenced in the same function. \
                 {ARN}:2 and {ARN}:1 are versions of the same layer."
            ),
        ),
        (
            vec![elsewhere],
            "Layers are not in the same region as the function. Layers are expected to be in region eu-central-1."
                .to_owned(),
        ),
        (vec![of_aws.clone()], format!("A layer of AWS's own ({of_aws}) is not supported by Lambent yet.")),
    ];
    for (layers, message) in cases {
        let input = function_input("f", BOOTSTRAP, layers);
        refused(harness.lambda.create_function(&harness.context, input), INVALID, &message).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn code_and_layers_together_have_a_limit() {
    let harness = Harness::new().await;
    let half = vec![0; 131_072_000];
    let large = |name: &str| zip(&[(name, &half)]);
    let layer = harness.layer("l", |input| input.content.zip_file = Some(large("of_layer"))).await;
    let mut input = function_input("f", BOOTSTRAP, vec![layer.layer_version_arn.unwrap()]);
    input.code.zip_file = Some(large("of_code"));
    harness.lambda.create_function(&harness.context, input.clone()).await.unwrap();

    input.function_name = "g".to_owned();
    input.code.zip_file = Some(zip(&[("of_code", &half), ("one_more", b"x")]));
    let message = "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The \
                   actual size is 262144001 bytes.";
    refused(harness.lambda.create_function(&harness.context, input), INVALID, message).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_shown_as_aws_shows_it() {
    let harness = Harness::new().await;
    harness.layer("l", |_| {}).await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    let none = "No policy is associated with the given resource.";
    refused(lambda.get_layer_version_policy(context, policy()), NOT_FOUND, none).await;

    let added = lambda.add_layer_version_permission(context, share("one", "111111111111")).await.unwrap();
    let statement = format!(
        r#"{{"Sid":"one","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111111111111:root"}},"Action":"lambda:GetLayerVersion","Resource":"{ARN}:1"}}"#
    );
    assert_eq!(added.statement.as_ref(), Some(&statement));
    let shown = lambda.get_layer_version_policy(context, policy()).await.unwrap();
    let document = format!(r#"{{"Version":"2012-10-17","Id":"default","Statement":[{statement}]}}"#);
    assert_eq!(shown.policy, Some(document));
    assert_eq!(shown.revision_id, added.revision_id);

    let organization = AddLayerVersionPermissionRequest {
        organization_id: Some("o-1234567890".to_owned()),
        ..share("two", "*")
    };
    let added = lambda.add_layer_version_permission(context, organization).await.unwrap();
    let statement: serde_json::Value = serde_json::from_str(&added.statement.unwrap()).unwrap();
    assert_eq!(statement["Principal"], "*");
    assert_eq!(statement["Condition"], json!({"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}));
    assert_ne!(added.revision_id, shown.revision_id);

    for sid in ["one", "two"] {
        lambda.remove_layer_version_permission(context, unshare(sid)).await.unwrap();
    }
    refused(lambda.get_layer_version_policy(context, policy()), NOT_FOUND, none).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_change_of_a_policy_is_told_in_aws_words() {
    let harness = Harness::new().await;
    harness.layer("l", |_| {}).await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    let added = lambda.add_layer_version_permission(context, share("one", "*")).await.unwrap();
    let exists = "The statement id (one) provided already exists. Please provide a new statement id, or remove the \
                  existing statement.";
    refused(lambda.add_layer_version_permission(context, share("one", "*")), CONFLICT, exists).await;
    let absent = "Statement two is not found in resource policy.";
    refused(lambda.remove_layer_version_permission(context, unshare("two")), NOT_FOUND, absent).await;

    let changed = "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to \
                   retrieve the latest Revision Id";
    let guarded =
        |revision_id: Option<String>| RemoveLayerVersionPermissionRequest { revision_id, ..unshare("one") };
    let wrong = guarded(Some("wrong".to_owned()));
    refused(lambda.remove_layer_version_permission(context, wrong), PRECONDITION, changed).await;
    lambda.remove_layer_version_permission(context, guarded(added.revision_id)).await.unwrap();

    let missing = format!("Layer version {ARN}:2 does not exist.");
    let other = AddLayerVersionPermissionRequest { version_number: 2, ..share("one", "*") };
    refused(lambda.add_layer_version_permission(context, other), NOT_FOUND, &missing).await;
    let other = GetLayerVersionPolicyRequest { version_number: 2, ..policy() };
    refused(lambda.get_layer_version_policy(context, other), NOT_FOUND, &missing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_uses_only_what_is_shared_with_it() {
    let harness = Harness::new().await;
    harness.layer("l", |_| {}).await;
    let (lambda, stranger) = (&harness.lambda, context("111111111111"));
    let denied = |operation: &str, resource: &str| {
        format!(
            "User: arn:aws:iam::111111111111:root is not authorized to perform: lambda:{operation} on resource: \
             {resource} because no resource-based policy allows the lambda:{operation} action"
        )
    };
    let cannot_read = denied("GetLayerVersion", &format!("{ARN}:1"));
    let input = || function_input("f", BOOTSTRAP, vec![format!("{ARN}:1")]);
    let organization = AddLayerVersionPermissionRequest {
        organization_id: Some("o-1234567890".to_owned()),
        ..share("organization", "*")
    };
    lambda.add_layer_version_permission(&harness.context, organization).await.unwrap();
    lambda.add_layer_version_permission(&harness.context, share("other", "222222222222")).await.unwrap();
    refused(lambda.get_layer_version(&stranger, get(ARN, 1)), DENIED, &cannot_read).await;
    refused(lambda.create_function(&stranger, input()), DENIED, &cannot_read).await;
    // Whether it exists is not told either.
    let absent = denied("GetLayerVersion", &format!("{ARN}:2"));
    refused(lambda.get_layer_version(&stranger, get(ARN, 2)), DENIED, &absent).await;

    lambda.add_layer_version_permission(&harness.context, share("it", "111111111111")).await.unwrap();
    lambda.get_layer_version(&stranger, get(ARN, 1)).await.unwrap();
    lambda.create_function(&stranger, input()).await.unwrap();
    // Reading is all that is shared.
    let cannot_delete = denied("DeleteLayerVersion", ARN);
    refused(lambda.delete_layer_version(&stranger, delete(ARN, 1)), DENIED, &cannot_delete).await;
    let input = AddLayerVersionPermissionRequest { layer_name: ARN.to_owned(), ..share("more", "*") };
    let cannot_share = denied("AddLayerVersionPermission", ARN);
    refused(lambda.add_layer_version_permission(&stranger, input), DENIED, &cannot_share).await;
    // A name alone is one of its own.
    let missing = "The resource you requested does not exist.";
    refused(lambda.get_layer_version(&stranger, get("l", 1)), NOT_FOUND, missing).await;
}
