//! Tags of roles.

use api_iam::{
    CreateRoleRequest, GetRoleRequest, Iam as _, ListRoleTagsRequest, Tag, TagRoleRequest, UntagRoleRequest,
};
use auth::Mode;
use wire::Error;

use crate::harness::*;

fn tags(pairs: &[(&str, &str)]) -> Vec<Tag> {
    pairs.iter().map(|(key, value)| Tag { key: (*key).to_owned(), value: (*value).to_owned() }).collect()
}

async fn tag(service: &Service, tags: Vec<Tag>) -> Result<(), Error> {
    service.iam.tag_role(&root(), TagRoleRequest { role_name: "r".to_owned(), tags }).await
}

async fn list(service: &Service) -> Vec<Tag> {
    let request = ListRoleTagsRequest { role_name: "r".to_owned(), ..ListRoleTagsRequest::default() };
    service.iam.list_role_tags(&root(), request).await.unwrap().tags
}

#[tokio::test]
async fn tags_are_kept_by_key_whatever_its_case_and_listed_in_order() {
    let service = service(Mode::Off);
    let request =
        CreateRoleRequest { tags: Some(tags(&[("b", "1"), ("A", "1")])), ..new_role("r", TRUST_LAMBDA) };
    let role = service.iam.create_role(&root(), request).await.unwrap().role;
    assert_eq!(role.tags, Some(tags(&[("A", "1"), ("b", "1")])));

    tag(&service, tags(&[("a", "2"), ("c", "")])).await.unwrap();
    assert_eq!(list(&service).await, tags(&[("a", "2"), ("b", "1"), ("c", "")]));
    let request =
        UntagRoleRequest { role_name: "r".to_owned(), tag_keys: ["B", "C", "x"].map(str::to_owned).to_vec() };
    service.iam.untag_role(&root(), request).await.unwrap();
    assert_eq!(list(&service).await, tags(&[("a", "2")]));
    let role =
        service.iam.get_role(&root(), GetRoleRequest { role_name: "r".to_owned() }).await.unwrap().role;
    assert_eq!(role.tags, Some(tags(&[("a", "2")])));
}

#[tokio::test]
async fn tags_that_cannot_be_are_refused() {
    let service = service(Mode::Off);
    create(&service, "r").await;
    let invalid = |text| answer("InvalidInput", 400, text);
    let twice = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    let reserved = "aws: prefixed tag key names are not allowed for external use.";
    for (refused, text) in [
        (tags(&[("k", "1"), ("K", "2")]), twice),
        (tags(&[("aws:x", "1")]), reserved),
        (tags(&[("AWS:x", "1")]), reserved),
    ] {
        assert_eq!(told(tag(&service, refused.clone()).await), invalid(text));
        let request = CreateRoleRequest { tags: Some(refused), ..new_role("s", TRUST_LAMBDA) };
        assert_eq!(told(service.iam.create_role(&root(), request).await), invalid(text));
    }
}

#[tokio::test]
async fn a_role_has_fifty_tags_at_most() {
    let service = service(Mode::Off);
    create(&service, "r").await;
    let keys: Vec<String> = (0..50).map(|number| format!("k{number}")).collect();
    let fifty: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "v")).collect();
    tag(&service, tags(&fifty)).await.unwrap();
    let expected = answer("LimitExceeded", 409, "The number of tags has reached the maximum limit.");
    assert_eq!(told(tag(&service, tags(&[("one more", "v")])).await), expected);
    tag(&service, tags(&[("k7", "new")])).await.unwrap();
    assert_eq!(list(&service).await.len(), 50);
}
