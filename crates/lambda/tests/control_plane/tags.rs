//! Tags.

use std::collections::BTreeMap;

use api_lambda::{
    GetFunctionRequest, Lambda as _, ListTagsRequest, TagResourceRequest, UntagResourceRequest,
};

use crate::harness::{Harness, INVALID, NOT_FOUND, refused};

const ARN: &str = "arn:aws:lambda:eu-central-1:000000000000:function:f";

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn tag(resource: &str, tags: BTreeMap<String, String>) -> TagResourceRequest {
    TagResourceRequest { resource: resource.to_owned(), tags }
}

async fn tags_of(harness: &Harness) -> BTreeMap<String, String> {
    let input = ListTagsRequest { resource: ARN.to_owned() };
    harness.lambda.list_tags(&harness.context, input).await.unwrap().tags.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_added_replaced_and_removed() {
    let harness = Harness::new().await;
    let before = harness.function("f").await.revision_id;
    let (lambda, context) = (&harness.lambda, &harness.context);
    assert_eq!(tags_of(&harness).await, tags(&[]));
    lambda.tag_resource(context, tag(ARN, tags(&[("a", "1"), ("b", "2")]))).await.unwrap();
    lambda.tag_resource(context, tag(ARN, tags(&[("b", "3"), ("c", "")]))).await.unwrap();
    let all = tags(&[("a", "1"), ("b", "3"), ("c", "")]);
    assert_eq!(tags_of(&harness).await, all);
    let input = GetFunctionRequest { function_name: "f".to_owned(), qualifier: None };
    assert_eq!(lambda.get_function(context, input).await.unwrap().tags, Some(all));
    assert_ne!(harness.configuration("f", None).await.revision_id, before);

    let tag_keys = vec!["a".to_owned(), "b".to_owned(), "absent".to_owned()];
    let input = UntagResourceRequest { resource: ARN.to_owned(), tag_keys };
    lambda.untag_resource(context, input).await.unwrap();
    assert_eq!(tags_of(&harness).await, tags(&[("c", "")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_in_all_are_the_limit() {
    let harness = Harness::new().await;
    harness.function("f").await;
    let numbered = |numbers: std::ops::Range<u32>| {
        numbers.map(|number| (format!("{number:02}"), String::new())).collect::<BTreeMap<_, _>>()
    };
    let tag = |numbers| harness.lambda.tag_resource(&harness.context, tag(ARN, numbered(numbers)));
    tag(0..30).await.unwrap();
    refused(tag(25..51), INVALID, "Number of tags exceeds resource tag limit.").await;
    assert_eq!(tags_of(&harness).await.len(), 30, "nothing of it was added");
    tag(25..50).await.unwrap();
    assert_eq!(tags_of(&harness).await.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tagged_is_refused_in_aws_words() {
    let harness = Harness::new().await;
    harness.function("f").await;
    let qualified = "Tagging operations are permitted on Lambda functions only. Tags on aliases and versions are not \
                     supported. Please specify either a function name or a function ARN.";
    let one = || tags(&[("a", "1")]);
    let base = "arn:aws:lambda:eu-central-1:000000000000";
    for (resource, tags, code, message) in [
        (
            ARN.to_owned(),
            tags(&[]),
            INVALID,
            "An error occurred and the request cannot be processed.".to_owned(),
        ),
        (format!("{ARN}:1"), one(), INVALID, qualified.to_owned()),
        (format!("{ARN}:$LATEST"), one(), INVALID, qualified.to_owned()),
        (format!("{base}:function:g"), one(), NOT_FOUND, format!("Function not found: {base}:function:g")),
        (
            ARN.to_owned(),
            tags(&[("aws:x", "1")]),
            INVALID,
            "The tag key aws:x is reserved: it begins with aws:.".to_owned(),
        ),
        (
            format!("{base}:layer:l"),
            one(),
            INVALID,
            "Tagging a layer is not supported by Lambent yet.".to_owned(),
        ),
        (
            format!("{base}:event-source-mapping:00000000-0000-4000-8000-000000000000"),
            one(),
            NOT_FOUND,
            "The resource you requested does not exist.".to_owned(),
        ),
        (
            "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned(),
            one(),
            NOT_FOUND,
            "Functions from 'us-east-1' are not reachable in this region ('eu-central-1')".to_owned(),
        ),
    ] {
        refused(harness.lambda.tag_resource(&harness.context, tag(&resource, tags)), code, &message).await;
    }
}
