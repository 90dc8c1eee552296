//! STS: who asks, and assuming roles.

use std::time::Duration;

use api_iam::{CreateRoleRequest, DeleteRoleRequest, Iam as _};
use api_sts::{
    AssumeRoleRequest, AssumeRoleResponse, GetCallerIdentityRequest, PolicyDescriptorType, ProvidedContext,
    Sts as _, Tag,
};
use auth::Mode;
use wire::{Context, Error};

use crate::harness::*;

const ROLE: &str = "arn:aws:iam::000000000000:role/r";
const USER: &str = "arn:aws:iam::000000000000:user/u";

fn request(role_arn: &str) -> AssumeRoleRequest {
    AssumeRoleRequest {
        role_arn: role_arn.to_owned(),
        role_session_name: "session".to_owned(),
        ..AssumeRoleRequest::default()
    }
}

fn lasting(seconds: i32) -> AssumeRoleRequest {
    AssumeRoleRequest { duration_seconds: Some(seconds), ..request(ROLE) }
}

async fn assume(
    service: &Service,
    context: &Context,
    request: AssumeRoleRequest,
) -> Result<AssumeRoleResponse, Error> {
    service.iam.assume_role(context, request).await
}

/// The context of a request that is signed with these credentials, as the authenticator makes it.
fn signed_with(service: &Service, assumed: &AssumeRoleResponse) -> Context {
    let keys = assumed.credentials.as_ref().unwrap();
    let resolved = service.sessions.resolve(&keys.access_key_id, &keys.session_token, now());
    let (session, secret) = resolved.unwrap();
    assert_eq!((secret, session.expires), (keys.secret_access_key.clone(), keys.expiration));
    caller(session.account.as_str(), &session.principal_arn, &session.principal_id)
}

fn trusting(principal: &str) -> String {
    format!(r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}}}"#)
}

fn not_authorized(caller: &str, role: &str) -> (String, u16, String) {
    let text = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}");
    answer("AccessDenied", 403, &text)
}

#[tokio::test]
async fn the_caller_learns_who_they_are() {
    let service = service(Mode::Off);
    let context = caller(ACCOUNT, USER, "AIDAEXAMPLE");
    let identity = service.iam.get_caller_identity(&context, GetCallerIdentityRequest {}).await.unwrap();
    assert_eq!(identity.account.as_deref(), Some(ACCOUNT));
    assert_eq!((identity.arn.as_deref(), identity.user_id.as_deref()), (Some(USER), Some("AIDAEXAMPLE")));
}

#[tokio::test]
async fn without_authentication_any_role_can_be_assumed() {
    let service = service(Mode::Off);
    let arn = "arn:aws:iam::111111111111:role/some/path/imagined";
    let assumed = assume(&service, &root(), request(arn)).await.unwrap();
    let user = assumed.assumed_role_user.clone().unwrap();
    assert_eq!(user.arn, "arn:aws:sts::111111111111:assumed-role/imagined/session");
    let (id, session) = user.assumed_role_id.split_once(':').unwrap();
    assert!(id.starts_with("AROA") && id.len() == 21 && session == "session", "{id}");
    assert_eq!(assumed.credentials.as_ref().unwrap().expiration, now() + Duration::from_secs(3_600));

    let context = signed_with(&service, &assumed);
    assert_eq!(context.account.as_str(), "111111111111");
    let identity = service.iam.get_caller_identity(&context, GetCallerIdentityRequest {}).await.unwrap();
    assert_eq!((identity.arn, identity.user_id), (Some(user.arn), Some(user.assumed_role_id.clone())));
    let again = assume(&service, &root(), request(arn)).await.unwrap().assumed_role_user.unwrap();
    assert_eq!(again.assumed_role_id, user.assumed_role_id);
}

#[tokio::test]
async fn a_role_that_exists_is_assumed_under_its_own_id() {
    for mode in [Mode::Off, Mode::Strict] {
        let service = service(mode);
        let role = create_trusting(&service, "r", &trusting(r#"{"AWS":"000000000000"}"#)).await;
        let assumed = assume(&service, &root(), request(ROLE)).await.unwrap();
        let id = assumed.assumed_role_user.unwrap().assumed_role_id;
        assert_eq!(id, format!("{}:session", role.role_id));
    }
}

#[tokio::test]
async fn what_is_no_role_is_invalid() {
    let service = service(Mode::Off);
    for (arn, text) in [
        ("not-an-arn-at-all-is-it", "not-an-arn-at-all-is-it is invalid"),
        (USER, "Request ARN is invalid"),
        ("arn:aws:iam::0:role/role-name", "Request ARN is invalid"),
        ("arn:aws:iam::000000000000:role/", "Request ARN is invalid"),
        ("arn:aws:iam::000000000000:role/a b", "Request ARN is invalid"),
        ("arn:aws:sts::000000000000:assumed-role/r/s", "Request ARN is invalid"),
    ] {
        let result = assume(&service, &root(), request(arn)).await;
        assert_eq!(told(result), answer("ValidationError", 400, text), "{arn}");
    }
}

#[tokio::test]
async fn a_session_lasts_no_longer_than_its_role_allows() {
    let service = service(Mode::Strict);
    let new = CreateRoleRequest { max_session_duration: Some(7_200), ..new_role("r", &trusting(r#""*""#)) };
    service.iam.create_role(&root(), new).await.unwrap();
    for seconds in [900, 7_200] {
        let assumed = assume(&service, &root(), lasting(seconds)).await.unwrap();
        let lifetime = Duration::from_secs(u64::from(seconds.unsigned_abs()));
        assert_eq!(assumed.credentials.unwrap().expiration, now() + lifetime);
    }
    let text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    let result = assume(&service, &root(), lasting(7_201)).await;
    assert_eq!(told(result), answer("ValidationError", 400, text));

    let chained = signed_with(&service, &assume(&service, &root(), request(ROLE)).await.unwrap());
    assume(&service, &chained, lasting(3_600)).await.unwrap();
    let text =
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
    let result = assume(&service, &chained, lasting(3_601)).await;
    assert_eq!(told(result), answer("ValidationError", 400, text));
}

#[tokio::test]
async fn what_is_not_honoured_yet_is_refused() {
    let service = service(Mode::Off);
    type Set = fn(&mut AssumeRoleRequest);
    let set: [(&str, Set); 9] = [
        ("Policy", |request| request.policy = Some(PERMISSIONS.to_owned())),
        ("PolicyArns", |request| request.policy_arns = Some(vec![PolicyDescriptorType::default()])),
        ("Tags", |request| request.tags = Some(vec![Tag::default()])),
        ("TransitiveTagKeys", |request| request.transitive_tag_keys = Some(vec!["k".to_owned()])),
        ("SerialNumber", |request| request.serial_number = Some("s".to_owned())),
        ("TokenCode", |request| request.token_code = Some("000000".to_owned())),
        ("SourceIdentity", |request| request.source_identity = Some("i".to_owned())),
        ("ProvidedContexts", |request| request.provided_contexts = Some(vec![ProvidedContext::default()])),
        ("MinimumSessionTokenSize", |request| request.minimum_session_token_size = Some(1)),
    ];
    for (name, set) in set {
        let mut asking = request(ROLE);
        set(&mut asking);
        let text = format!("{name} of AssumeRole is not supported by Lambent yet.");
        assert_eq!(told(assume(&service, &root(), asking).await), answer("ValidationError", 400, &text));
    }
}

#[tokio::test]
async fn with_authentication_the_trust_policy_decides() {
    let user = caller(ACCOUNT, USER, "AIDAEXAMPLE");
    let stranger = root_of("111111111111");
    for (principal, user_may, stranger_may) in [
        (r#"{"AWS":"arn:aws:iam::000000000000:root"}"#, true, false),
        (r#"{"AWS":"arn:aws:iam::000000000000:user/u"}"#, true, false),
        (r#"{"AWS":"arn:aws:iam::000000000000:user/v"}"#, false, false),
        (r#"{"AWS":"111111111111"}"#, false, true),
        (r#"{"AWS":"*"}"#, true, true),
        (r#"{"Service":"lambda.amazonaws.com"}"#, false, false),
    ] {
        let service = service(Mode::Strict);
        create_trusting(&service, "r", &trusting(principal)).await;
        for (context, may) in [(&user, user_may), (&stranger, stranger_may)] {
            match assume(&service, context, request(ROLE)).await {
                Ok(_) => assert!(may, "{principal}"),
                Err(error) => {
                    assert!(!may, "{principal}: {error}");
                    assert_eq!(told::<()>(Err(error)), not_authorized(&context.caller.arn, ROLE));
                }
            }
        }
    }
}

#[tokio::test]
async fn with_authentication_the_role_must_exist_under_exactly_this_arn() {
    let service = service(Mode::Strict);
    create_trusting(&service, "r", &trusting(r#""*""#)).await;
    for arn in [
        "arn:aws:iam::000000000000:role/other",
        "arn:aws:iam::000000000000:role/R",
        "arn:aws:iam::000000000000:role/path/r",
        "arn:aws:iam::111111111111:role/r",
        "arn:aws-cn:iam::000000000000:role/r",
    ] {
        let result = assume(&service, &root(), request(arn)).await;
        assert_eq!(told(result), not_authorized("arn:aws:iam::000000000000:root", arn));
    }
}

#[tokio::test]
async fn one_role_trusts_another_until_that_is_gone() {
    let service = service(Mode::Strict);
    create_trusting(&service, "r", &trusting(r#"{"AWS":"arn:aws:iam::000000000000:role/first"}"#)).await;
    let first = create_trusting(&service, "first", &trusting(r#""*""#)).await;
    let assumed = assume(&service, &root(), request(&first.arn)).await.unwrap();
    let context = signed_with(&service, &assumed);
    assume(&service, &context, request(ROLE)).await.unwrap();

    // Another role of the same name is another role: sessions of the old one are not its.
    service.iam.delete_role(&root(), DeleteRoleRequest { role_name: "first".to_owned() }).await.unwrap();
    let denied = || not_authorized("arn:aws:sts::000000000000:assumed-role/first/session", ROLE);
    assert_eq!(told(assume(&service, &context, request(ROLE)).await), denied());
    create_trusting(&service, "first", &trusting(r#""*""#)).await;
    assert_eq!(told(assume(&service, &context, request(ROLE)).await), denied());
}

#[tokio::test]
async fn an_external_id_is_honoured_and_other_conditions_are_refused() {
    let service = service(Mode::Strict);
    let with =
        |condition: &str| trusting(r#""*""#).replace("}}", &format!(r#","Condition":{condition}}}}}"#));
    create_trusting(&service, "r", &with(r#"{"StringEquals":{"sts:ExternalId":"e1"}}"#)).await;
    let knowing = |id: &str| AssumeRoleRequest { external_id: Some(id.to_owned()), ..request(ROLE) };
    assume(&service, &root(), knowing("e1")).await.unwrap();
    for wrong in [knowing("e2"), request(ROLE)] {
        let result = assume(&service, &root(), wrong).await;
        assert_eq!(told(result), not_authorized("arn:aws:iam::000000000000:root", ROLE));
    }
    create_trusting(&service, "s", &with(r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#)).await;
    let arn = "arn:aws:iam::000000000000:role/s";
    let text = format!(
        "The trust policy of {arn} has a condition that is not supported by Lambent yet: \
         Bool on aws:MultiFactorAuthPresent."
    );
    let result = assume(&service, &root(), request(arn)).await;
    assert_eq!(told(result), answer("AccessDenied", 403, &text));
}
