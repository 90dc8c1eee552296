//! Roles themselves.

use api_iam::{
    CreateRoleRequest, DeleteRoleRequest, GetRoleRequest, Iam as _, ListRolesRequest, Role,
    UpdateAssumeRolePolicyRequest, UpdateRoleRequest,
};
use auth::Mode;
use store::{Applied, Bytes, CommitError};

use crate::harness::*;

fn named(name: &str) -> GetRoleRequest {
    GetRoleRequest { role_name: name.to_owned() }
}

async fn get(service: &Service, name: &str) -> Role {
    service.iam.get_role(&root(), named(name)).await.unwrap().role
}

fn missing(name: &str) -> (String, u16, String) {
    answer("NoSuchEntity", 404, &format!("The role with name {name} cannot be found."))
}

#[tokio::test]
async fn a_role_is_shown_as_it_was_created() {
    let service = service(Mode::Off);
    let boundary = "arn:aws:iam::aws:policy/PowerUserAccess";
    let request = CreateRoleRequest {
        path: Some("/a/b/".to_owned()),
        description: Some("d".to_owned()),
        max_session_duration: Some(7_200),
        permissions_boundary: Some(boundary.to_owned()),
        ..new_role("r", TRUST_LAMBDA)
    };
    let role = service.iam.create_role(&root(), request).await.unwrap().role;
    assert_eq!(role.arn, "arn:aws:iam::000000000000:role/a/b/r");
    assert!(role.role_id.starts_with("AROA") && role.role_id.len() == 21, "{}", role.role_id);
    assert_eq!((role.path.as_str(), role.create_date), ("/a/b/", created()));
    assert_eq!((role.description.as_deref(), role.max_session_duration), (Some("d"), Some(7_200)));
    let document = role.assume_role_policy_document.as_deref().unwrap();
    assert!(document.starts_with("%7B%22Version%22%3A%222012-10-17%22"), "{document}");
    assert_eq!(decoded(document), TRUST_LAMBDA);
    let shown = role.permissions_boundary.clone().and_then(|boundary| boundary.permissions_boundary_arn);
    assert_eq!(shown.as_deref(), Some(boundary));
    assert_eq!((&role.role_last_used, &role.tags), (&None, &None));
    assert_eq!(get(&service, "r").await, role);
}

#[tokio::test]
async fn defaults_are_those_of_aws() {
    let service = service(Mode::Off);
    let role = create(&service, "r").await;
    assert_eq!((role.path.as_str(), role.arn.as_str()), ("/", "arn:aws:iam::000000000000:role/r"));
    assert_eq!((role.max_session_duration, role.description), (Some(3_600), None));
    assert_ne!(role.role_id, create(&service, "s").await.role_id);
}

#[tokio::test]
async fn a_name_is_taken_once_whatever_its_case_and_whatever_the_region() {
    let service = service(Mode::Off);
    create(&service, "Role").await;
    for name in ["Role", "rOLE"] {
        let mut elsewhere = root();
        elsewhere.region = ids::Region::parse("us-east-1").unwrap();
        let result = service.iam.create_role(&elsewhere, new_role(name, TRUST_LAMBDA)).await;
        let text = format!("Role with name {name} already exists.");
        assert_eq!(told(result), answer("EntityAlreadyExists", 409, &text));
    }
    assert_eq!(get(&service, "role").await.role_name, "Role");
}

#[tokio::test]
async fn accounts_do_not_see_one_another() {
    let service = service(Mode::Off);
    create(&service, "r").await;
    let other = root_of("111111111111");
    assert_eq!(told(service.iam.get_role(&other, named("r")).await), missing("r"));
    let roles = service.iam.list_roles(&other, ListRolesRequest::default()).await.unwrap();
    assert_eq!((roles.roles, roles.is_truncated), (vec![], Some(false)));
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let service = service(Mode::Off);
    let name = || "r".to_owned();
    let iam = &service.iam;
    let update = UpdateRoleRequest { role_name: name(), ..UpdateRoleRequest::default() };
    let policy =
        UpdateAssumeRolePolicyRequest { role_name: name(), policy_document: TRUST_LAMBDA.to_owned() };
    assert_eq!(told(iam.get_role(&root(), named("r")).await), missing("r"));
    assert_eq!(told(iam.delete_role(&root(), DeleteRoleRequest { role_name: name() }).await), missing("r"));
    assert_eq!(told(iam.update_role(&root(), update).await), missing("r"));
    assert_eq!(told(iam.update_assume_role_policy(&root(), policy).await), missing("r"));
}

#[tokio::test]
async fn a_role_that_was_deleted_can_be_created_again_as_another_one() {
    let service = service(Mode::Off);
    let first = create(&service, "r").await;
    let request = DeleteRoleRequest { role_name: "R".to_owned() };
    service.iam.delete_role(&root(), request).await.unwrap();
    assert_eq!(told(service.iam.get_role(&root(), named("r")).await), missing("r"));
    assert_ne!(create(&service, "r").await.role_id, first.role_id);
}

#[tokio::test]
async fn an_update_changes_only_what_it_names() {
    let service = service(Mode::Off);
    create(&service, "r").await;
    let update = |description: Option<&str>, max_session_duration| UpdateRoleRequest {
        role_name: "r".to_owned(),
        description: description.map(str::to_owned),
        max_session_duration,
    };
    for (request, expected) in [
        (update(Some("d"), None), (Some("d"), Some(3_600))),
        (update(None, Some(43_200)), (Some("d"), Some(43_200))),
        (update(Some(""), None), (None, Some(43_200))),
    ] {
        service.iam.update_role(&root(), request).await.unwrap();
        let role = get(&service, "r").await;
        assert_eq!((role.description.as_deref(), role.max_session_duration), expected);
    }
}

#[tokio::test]
async fn a_trust_policy_is_replaced_by_a_well_formed_one_only() {
    let service = service(Mode::Off);
    create(&service, "r").await;
    let request = |document: &str| UpdateAssumeRolePolicyRequest {
        role_name: "r".to_owned(),
        policy_document: document.to_owned(),
    };
    let malformed = |text| answer("MalformedPolicyDocument", 400, text);
    for (document, expected) in [
        ("nonsense", malformed("This policy contains invalid Json")),
        ("[]", malformed("Syntax errors in policy.")),
        ("{}", malformed("Could not parse the policy: Statement is empty!")),
        (PERMISSIONS, malformed("Missing required field Principal")),
    ] {
        assert_eq!(told(service.iam.update_assume_role_policy(&root(), request(document)).await), expected);
        assert_eq!(told(service.iam.create_role(&root(), new_role("s", document)).await), expected);
    }
    let open = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;
    service.iam.update_assume_role_policy(&root(), request(open)).await.unwrap();
    assert_eq!(decoded(get(&service, "r").await.assume_role_policy_document.as_deref().unwrap()), open);
}

#[tokio::test]
async fn a_boundary_must_be_a_policy_that_exists() {
    let service = service(Mode::Off);
    for (arn, expected) in [
        (
            "arn:aws:iam::000000000000:policy/p",
            answer(
                "NoSuchEntity",
                404,
                "Scope ARN: arn:aws:iam::000000000000:policy/p does not exist or is not attachable.",
            ),
        ),
        (
            "arn:aws:iam::000000000000:role/r",
            answer("InvalidInput", 400, "ARN arn:aws:iam::000000000000:role/r is not valid."),
        ),
    ] {
        let request =
            CreateRoleRequest { permissions_boundary: Some(arn.to_owned()), ..new_role("r", TRUST_LAMBDA) };
        assert_eq!(told(service.iam.create_role(&root(), request).await), expected);
    }
}

#[tokio::test]
async fn lists_come_in_pages_and_leave_out_what_aws_leaves_out() {
    let service = service(Mode::Off);
    for number in 0..250 {
        let path = if number % 2 == 0 { "/even/" } else { "/odd/" };
        let request = CreateRoleRequest {
            path: Some(path.to_owned()),
            permissions_boundary: Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned()),
            ..new_role(&format!("Role-{number:03}"), TRUST_LAMBDA)
        };
        service.iam.create_role(&root(), request).await.unwrap();
    }
    for (prefix, max_items, pages) in [
        (None, None, vec![100, 100, 50]),
        (None, Some(1_000), vec![250]),
        (None, Some(250), vec![250]),
        (Some("/od"), Some(60), vec![60, 60, 5]),
        (Some("/none/"), None, vec![0]),
    ] {
        let (mut sizes, mut names, mut marker) = (Vec::new(), Vec::new(), None);
        loop {
            let path_prefix = prefix.map(str::to_owned);
            let request = ListRolesRequest { path_prefix, marker, max_items };
            let page = service.iam.list_roles(&root(), request).await.unwrap();
            assert!(page.roles.iter().all(|role| role.permissions_boundary.is_none()));
            sizes.push(page.roles.len());
            names.extend(page.roles.into_iter().map(|role| role.role_name));
            assert_eq!(page.is_truncated, Some(page.marker.is_some()));
            marker = page.marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(sizes, pages, "{prefix:?} {max_items:?}");
        assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}

#[tokio::test]
async fn a_change_is_tried_again_when_another_was_faster() {
    let service = service(Mode::Off);
    create(&service, "r").await;
    service.store.fail_next_commit(CommitError::Conflict(Bytes::new()), Applied::No);
    let request = UpdateRoleRequest {
        role_name: "r".to_owned(),
        description: Some("d".to_owned()),
        max_session_duration: None,
    };
    service.iam.update_role(&root(), request).await.unwrap();
    assert_eq!(get(&service, "r").await.description.as_deref(), Some("d"));
}

#[tokio::test]
async fn a_store_that_fails_is_our_fault_and_stays_unexplained() {
    let service = service(Mode::Off);
    for (error, expected) in [
        (CommitError::Unavailable("disk".to_owned()), ("InternalFailure", 500)),
        (CommitError::TooLarge("large".to_owned()), ("LimitExceeded", 409)),
    ] {
        service.store.fail_next_commit(error, Applied::No);
        let (code, status, text) = told(service.iam.create_role(&root(), new_role("r", TRUST_LAMBDA)).await);
        assert_eq!((code.as_str(), status), expected);
        assert!(!text.contains("disk"), "{text}");
    }
}
