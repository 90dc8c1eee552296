//! The credentials of functions.

use std::time::Duration;

use auth::Mode;
use ids::Region;
use targets::{Credentials, VendCredentials as _};

use crate::harness::*;

const ROLE: &str = "arn:aws:iam::000000000000:role/r";

async fn vend(service: &Service, role_arn: &str) -> Result<Credentials, String> {
    let region = Region::parse("eu-central-1").unwrap();
    service.iam.credentials(&account(ACCOUNT), &region, role_arn, "function").await
}

async fn may(service: &Service, role_arn: &str) -> bool {
    service.iam.can_be_assumed_by_lambda(&account(ACCOUNT), role_arn).await
}

#[tokio::test]
async fn without_authentication_any_role_will_do_and_the_account_is_the_functions() {
    let service = service(Mode::Off);
    for arn in [ROLE, "arn:aws:iam::111111111111:role/service-role/r"] {
        assert!(may(&service, arn).await);
        let issued = vend(&service, arn).await.unwrap();
        let resolved = service.sessions.resolve(&issued.access_key_id, &issued.session_token, now());
        let (session, _) = resolved.unwrap();
        assert_eq!(session.account.as_str(), ACCOUNT);
        assert_eq!(session.principal_arn, "arn:aws:sts::000000000000:assumed-role/r/function");
        assert!(session.principal_id.ends_with(":function"), "{}", session.principal_id);
        assert_eq!(issued.expires, now() + Duration::from_secs(43_200));
    }
}

#[tokio::test]
async fn with_authentication_the_role_must_exist_and_trust_lambda() {
    let service = service(Mode::Strict);
    let role = create(&service, "r").await;
    let trust_condition =
        |condition: &str| TRUST_LAMBDA.replace("}]", &format!(r#","Condition":{condition}}}]"#));
    let trust = TRUST_LAMBDA.replace("lambda.", "states.");
    create_trusting(&service, "of-states", &trust).await;
    create_trusting(
        &service,
        "of-everybody",
        &TRUST_LAMBDA.replace("Service", "AWS").replace("lambda.amazonaws.com", "*"),
    )
    .await;
    let ours = trust_condition(r#"{"StringEquals":{"aws:SourceAccount":"000000000000"}}"#);
    create_trusting(&service, "of-account", &ours).await;
    create_trusting(&service, "of-other", &ours.replace("000000000000", "111111111111")).await;
    let unknown = trust_condition(r#"{"ArnLike":{"aws:SourceArn":"arn:aws:lambda:*:*:function:*"}}"#);
    create_trusting(&service, "of-function", &unknown).await;
    for (name, expected) in [
        ("r", true),
        ("of-account", true),
        ("of-states", false),
        ("of-everybody", false),
        ("of-other", false),
        ("of-function", false),
        ("missing", false),
        ("path/r", false),
    ] {
        let arn = format!("arn:aws:iam::000000000000:role/{name}");
        assert_eq!(may(&service, &arn).await, expected, "{name}");
        let text = "The role defined for the function cannot be assumed by Lambda.";
        match vend(&service, &arn).await {
            Ok(_) => assert!(expected, "{name}"),
            Err(cause) => assert_eq!((expected, cause.as_str()), (false, text), "{name}"),
        }
    }
    assert!(!may(&service, "arn:aws:iam::111111111111:role/r").await);

    let issued = vend(&service, ROLE).await.unwrap();
    let (session, _) = service.sessions.resolve(&issued.access_key_id, &issued.session_token, now()).unwrap();
    assert_eq!(session.principal_id, format!("{}:function", role.role_id));
}
