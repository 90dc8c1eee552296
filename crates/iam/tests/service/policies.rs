//! Inline and attached policies.

use api_iam::{
    AttachRolePolicyRequest, DeleteRolePolicyRequest, DeleteRoleRequest, DetachRolePolicyRequest,
    GetRolePolicyRequest, Iam as _, ListAttachedRolePoliciesRequest, ListRolePoliciesRequest,
    PutRolePolicyRequest,
};
use auth::Mode;
use wire::Error;

use crate::harness::*;

const BASIC: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

async fn attach(service: &Service, arn: &str) -> Result<(), Error> {
    let request = AttachRolePolicyRequest { role_name: "r".to_owned(), policy_arn: arn.to_owned() };
    service.iam.attach_role_policy(&root(), request).await
}

async fn detach(service: &Service, arn: &str) -> Result<(), Error> {
    let request = DetachRolePolicyRequest { role_name: "r".to_owned(), policy_arn: arn.to_owned() };
    service.iam.detach_role_policy(&root(), request).await
}

async fn put(service: &Service, name: &str, document: &str) -> Result<(), Error> {
    let (role_name, policy_name) = ("r".to_owned(), name.to_owned());
    let request = PutRolePolicyRequest { role_name, policy_name, policy_document: document.to_owned() };
    service.iam.put_role_policy(&root(), request).await
}

async fn delete(service: &Service, name: &str) -> Result<(), Error> {
    let request = DeleteRolePolicyRequest { role_name: "r".to_owned(), policy_name: name.to_owned() };
    service.iam.delete_role_policy(&root(), request).await
}

async fn delete_role(service: &Service) -> Result<(), Error> {
    service.iam.delete_role(&root(), DeleteRoleRequest { role_name: "r".to_owned() }).await
}

#[tokio::test]
async fn a_role_goes_only_after_its_policies() {
    let service = service(Mode::Off);
    create(&service, "r").await;
    attach(&service, BASIC).await.unwrap();
    put(&service, "p", PERMISSIONS).await.unwrap();
    let conflict = |what| answer("DeleteConflict", 409, &format!("Cannot delete entity, must {what} first."));
    assert_eq!(told(delete_role(&service).await), conflict("detach all policies"));
    detach(&service, BASIC).await.unwrap();
    assert_eq!(told(delete_role(&service).await), conflict("delete policies"));
    delete(&service, "p").await.unwrap();
    delete_role(&service).await.unwrap();
}

#[tokio::test]
async fn inline_policies_are_stored_replaced_listed_and_deleted() {
    let service = service(Mode::Off);
    create(&service, "r").await;
    for (name, document) in [("b", PERMISSIONS), ("a", "{}"), ("a", PERMISSIONS)] {
        let result = put(&service, name, document).await;
        assert_eq!(result.is_ok(), document == PERMISSIONS, "{name}");
    }
    let spaced = format!(" {PERMISSIONS}\n");
    put(&service, "a", &spaced).await.unwrap();
    let get = |name: &str| GetRolePolicyRequest { role_name: "R".to_owned(), policy_name: name.to_owned() };
    let policy = service.iam.get_role_policy(&root(), get("a")).await.unwrap();
    assert_eq!((policy.role_name.as_str(), policy.policy_name.as_str()), ("r", "a"));
    assert_eq!(decoded(&policy.policy_document), spaced);

    let list = |marker: Option<String>| ListRolePoliciesRequest {
        role_name: "r".to_owned(),
        marker,
        max_items: Some(1),
    };
    let page = service.iam.list_role_policies(&root(), list(None)).await.unwrap();
    assert_eq!((page.policy_names, page.is_truncated), (vec!["a".to_owned()], Some(true)));
    let page = service.iam.list_role_policies(&root(), list(page.marker)).await.unwrap();
    assert_eq!((page.policy_names, page.is_truncated), (vec!["b".to_owned()], Some(false)));

    delete(&service, "a").await.unwrap();
    let missing = answer("NoSuchEntity", 404, "The role policy with name a cannot be found.");
    assert_eq!(told(service.iam.get_role_policy(&root(), get("a")).await), missing);
    assert_eq!(told(delete(&service, "a").await), missing);
}

#[tokio::test]
async fn inline_policies_are_checked_and_limited() {
    let service = service(Mode::Off);
    create(&service, "r").await;
    let expected = answer("MalformedPolicyDocument", 400, "Syntax errors in policy.");
    assert_eq!(told(put(&service, "p", "nonsense").await), expected);
    let large = PERMISSIONS.replace("s3:*", &format!("s3:{}", "x".repeat(6_000)));
    put(&service, "p", &large).await.unwrap();
    // In its own place it does not count twice.
    put(&service, "p", &large).await.unwrap();
    let expected = answer("LimitExceeded", 409, "Maximum policy size of 10240 bytes exceeded for role r");
    assert_eq!(told(put(&service, "q", &large).await), expected);
}

#[tokio::test]
async fn policies_of_aws_are_attached_once_and_listed_by_path() {
    let service = service(Mode::Off);
    create(&service, "r").await;
    let read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    for arn in [BASIC, read_only, BASIC] {
        attach(&service, arn).await.unwrap();
    }
    let pair = |name: &str, arn: &str| (name.to_owned(), arn.to_owned());
    let (basic, read_only) = (pair("AWSLambdaBasicExecutionRole", BASIC), pair("ReadOnlyAccess", read_only));
    for (prefix, expected) in [
        (None, vec![basic.clone(), read_only.clone()]),
        (Some("/"), vec![basic.clone(), read_only]),
        (Some("/service-role/"), vec![basic]),
    ] {
        let request = ListAttachedRolePoliciesRequest {
            role_name: "r".to_owned(),
            path_prefix: prefix.map(str::to_owned),
            ..ListAttachedRolePoliciesRequest::default()
        };
        let page = service.iam.list_attached_role_policies(&root(), request).await.unwrap();
        let listed = page.attached_policies.unwrap_or_default().into_iter();
        let listed: Vec<_> =
            listed.map(|policy| (policy.policy_name.unwrap(), policy.policy_arn.unwrap())).collect();
        assert_eq!((listed, page.is_truncated), (expected, Some(false)));
    }
}

#[tokio::test]
async fn what_cannot_be_attached_or_detached_is_said_in_aws_words() {
    let service = service(Mode::Off);
    create(&service, "r").await;
    let own = "arn:aws:iam::000000000000:policy/p";
    let text = format!("Policy {own} does not exist or is not attachable.");
    assert_eq!(told(attach(&service, own).await), answer("NoSuchEntity", 404, &text));
    let odd = "this-is-no-arn-at-all";
    let invalid = answer("InvalidInput", 400, "ARN this-is-no-arn-at-all is not valid.");
    assert_eq!(told(attach(&service, odd).await), invalid);
    assert_eq!(told(detach(&service, odd).await), invalid);
    let text = format!("Policy {BASIC} was not found.");
    assert_eq!(told(detach(&service, BASIC).await), answer("NoSuchEntity", 404, &text));
    for number in 0..10 {
        attach(&service, &format!("arn:aws:iam::aws:policy/P{number}")).await.unwrap();
    }
    let expected = answer("LimitExceeded", 409, "Cannot exceed quota for PoliciesPerRole: 10");
    assert_eq!(told(attach(&service, BASIC).await), expected);
    attach(&service, "arn:aws:iam::aws:policy/P3").await.unwrap();
}
