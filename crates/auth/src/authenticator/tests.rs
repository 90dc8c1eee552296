use clock::VirtualClock;
use http::Request;
use serde_json::Value;

use super::*;
use crate::{Session, StaticKeys, sign};

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const NOW: &str = "2015-08-30T12:36:00Z";

/// A signed request out of `tests/vectors`.
struct Vector {
    name: String,
    secret: String,
    now: Timestamp,
    parts: Parts,
    body: Vec<u8>,
}

fn vectors(json: &str) -> Vec<Vector> {
    let cases: Vec<Value> = serde_json::from_str(json).unwrap();
    let text = |case: &Value, key: &str| case[key].as_str().unwrap().to_owned();
    cases
        .iter()
        .map(|case| {
            let mut request = Request::builder().method(text(case, "method").as_str()).uri(text(case, "uri"));
            for pair in case["headers"].as_array().unwrap() {
                request = request.header(pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
            }
            Vector {
                name: text(case, "name"),
                secret: text(case, "secret"),
                now: Timestamp::parse_iso8601(&text(case, "now")).unwrap(),
                parts: request.body(()).unwrap().into_parts().0,
                body: text(case, "body").into_bytes(),
            }
        })
        .collect()
}

fn check(vector: &Vector) -> Result<(), AuthError> {
    let authorization = Authorization::parse(&vector.parts)?;
    check_time(&authorization, vector.now)?;
    check_signature(&vector.parts, authorization, &vector.body, &vector.secret)
}

fn check_all(json: &str, count: usize) {
    let vectors = vectors(json);
    assert_eq!(vectors.len(), count);
    for mut vector in vectors {
        assert_eq!(check(&vector), Ok(()), "{}", vector.name);
        vector.secret.push('x');
        assert!(matches!(check(&vector), Err(AuthError::SignatureMismatch(_))), "{}", vector.name);
    }
}

#[test]
fn the_aws_signing_test_suite_verifies() {
    check_all(include_str!("../../tests/vectors/aws-signing-test-suite.json"), 53);
}

#[test]
fn what_botocore_signs_verifies() {
    check_all(include_str!("../../tests/vectors/botocore-1.44.5.json"), 17);
}

/// The examples of "Signature Calculations for the Authorization Header" in the S3 API reference.
#[test]
fn the_examples_of_the_s3_reference_verify() {
    check_all(include_str!("../../tests/vectors/s3-api-reference.json"), 5);
}

/// One that was signed here, to be spoiled.
fn signed(service: &str) -> (Parts, &'static [u8]) {
    sign_request(service, KEY, SECRET, None, "20150830T123600Z")
}

fn sign_request(
    service: &str,
    key: &str,
    secret: &str,
    token: Option<&str>,
    date: &str,
) -> (Parts, &'static [u8]) {
    let body = b"{}";
    let credential = Credential {
        access_key: key.to_owned(),
        date: date[..8].to_owned(),
        region: "eu-central-1".to_owned(),
        service: service.to_owned(),
    };
    let mut request = Request::builder()
        .method("POST")
        .uri("/2015-03-31/functions/f/invocations?Qualifier=live")
        .header("host", "127.0.0.1:4566")
        .header("x-amz-content-sha256", sha256_hex(body))
        .header("x-amz-date", date);
    if let Some(token) = token {
        request = request.header("x-amz-security-token", token);
    }
    let mut parts = request.body(()).unwrap().into_parts().0;
    let names = "host;x-amz-content-sha256;x-amz-date";
    let names = if token.is_some() { format!("{names};x-amz-security-token") } else { names.to_owned() };
    let draft = format!(
        "AWS4-HMAC-SHA256 Credential={key}/{}, SignedHeaders={names}, Signature=",
        credential.scope()
    );
    parts.headers.insert("authorization", draft.parse().unwrap());
    let authorization = Authorization::parse(&parts).unwrap();
    let canonical = canonical_request(&parts, &authorization, &sha256_hex(body));
    let signature = sign(secret, &credential, &string_to_sign(&credential, date, &canonical));
    parts.headers.insert("authorization", format!("{draft}{signature}").parse().unwrap());
    (parts, body)
}

fn account(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

fn authenticator(mode: Mode) -> Authenticator {
    let keys =
        StaticKeys::new([(KEY.to_owned(), AccessKey::root(SECRET.to_owned(), account("111122223333")))]);
    let clock = VirtualClock::new(Timestamp::parse_iso8601(NOW).unwrap());
    Authenticator::new(mode, Arc::new(keys), SessionKeys::new([7; 32]), Arc::new(clock))
}

fn defaults() -> Defaults {
    Defaults { account: account("000000000000"), region: Region::parse("us-east-1").unwrap() }
}

async fn strict(parts: &Parts, body: &[u8]) -> Result<Caller, AuthError> {
    authenticator(Mode::Strict).authenticate(parts, body, Some("lambda"), &defaults()).await
}

#[tokio::test]
async fn a_known_key_names_its_account() {
    let (parts, body) = signed("lambda");
    let caller = strict(&parts, body).await.unwrap();
    assert_eq!(caller.account, account("111122223333"));
    assert_eq!(caller.region.as_str(), "eu-central-1");
    assert_eq!(caller.principal_arn, "arn:aws:iam::111122223333:root");
    assert!(caller.verified);
}

#[tokio::test]
async fn every_signed_part_is_covered() {
    let (parts, body) = signed("lambda");
    let mismatch = |result| matches!(result, Err(AuthError::SignatureMismatch(_)));

    let mut other = parts.clone();
    other.method = http::Method::DELETE;
    assert!(mismatch(strict(&other, body).await));

    let mut other = parts.clone();
    other.uri = "/2015-03-31/functions/g/invocations?Qualifier=live".parse().unwrap();
    assert!(mismatch(strict(&other, body).await));

    let mut other = parts.clone();
    other.uri = "/2015-03-31/functions/f/invocations".parse().unwrap();
    assert!(mismatch(strict(&other, body).await));

    let mut other = parts.clone();
    other.headers.append("host", "evil.example".parse().unwrap());
    assert!(mismatch(strict(&other, body).await));

    let mut other = parts.clone();
    other.headers.insert("x-amz-date", "20150830T123601Z".parse().unwrap());
    assert!(mismatch(strict(&other, body).await));

    assert!(matches!(strict(&parts, b"{ }").await, Err(AuthError::ContentMismatch { .. })));
    let (other, body) = signed("sqs");
    assert!(matches!(strict(&other, body).await, Err(AuthError::Malformed(_))));
}

#[tokio::test]
async fn a_signature_is_valid_for_15_minutes_either_way() {
    let at = |date: &'static str| async move {
        let (parts, body) = sign_request("lambda", KEY, SECRET, None, date);
        strict(&parts, body).await.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(at("20150830T122100Z").await, Ok(()));
    assert_eq!(at("20150830T125100Z").await, Ok(()));
    assert_eq!(
        at("20150830T122059Z").await,
        Err("Signature expired: 20150830T122059Z is now earlier than 20150830T122100Z \
             (20150830T123600Z - 15 min.)"
            .to_owned())
    );
    assert_eq!(
        at("20150830T125101Z").await,
        Err("Signature not yet current: 20150830T125101Z is still later than 20150830T125100Z \
             (20150830T123600Z + 15 min.)"
            .to_owned())
    );
}

#[tokio::test]
async fn a_presigned_request_is_valid_for_its_own_time() {
    let presigned = vectors(include_str!("../../tests/vectors/s3-api-reference.json"))
        .into_iter()
        .find(|vector| vector.name == "presigned GET object")
        .unwrap();
    let day = Duration::from_secs(86_400);
    let check_at = |now| {
        check(&Vector {
            parts: presigned.parts.clone(),
            secret: presigned.secret.clone(),
            body: Vec::new(),
            name: String::new(),
            now,
        })
    };
    assert_eq!(check_at(presigned.now + day), Ok(()));
    let late = presigned.now + day + Duration::from_secs(1);
    let error = check_at(late);
    assert_eq!(error, Err(AuthError::PresignedExpired { expired: presigned.now + day, now: late }));

    for (expires, works) in [
        ("0", false),
        ("1", true),
        ("604800", true),
        ("604801", false),
        ("-1", false),
        ("soon", false),
        ("99999999999999999999", false),
    ] {
        let uri = presigned.parts.uri.to_string().replace("Expires=86400", &format!("Expires={expires}"));
        let parts = Request::builder().uri(uri).body(()).unwrap().into_parts().0;
        let error = Authorization::parse(&parts).map(|_| ());
        assert_eq!(error.is_ok(), works, "{expires}: {error:?}");
        assert!(works || matches!(error, Err(AuthError::MalformedQuery(_))));
    }
}

#[tokio::test]
async fn a_session_needs_its_own_token() {
    let expires = Timestamp::parse_iso8601("2015-08-30T13:00:00Z").unwrap();
    let session = Session {
        account: account("444455556666"),
        principal_arn: "arn:aws:sts::444455556666:assumed-role/r/s".to_owned(),
        principal_id: "AROAEXAMPLE:s".to_owned(),
        expires,
    };
    let (keys, ids) = (SessionKeys::new([7; 32]), ids::IdSource::seeded(1));
    let (one, two) = (keys.issue(&session, &ids), keys.issue(&session, &ids));
    let call = |key: targets::Credentials, token: Option<String>| async move {
        let (id, secret) = (&key.access_key_id, &key.secret_access_key);
        let (parts, body) = sign_request("lambda", id, secret, token.as_deref(), "20150830T123600Z");
        strict(&parts, body).await
    };
    let caller = call(one.clone(), Some(one.session_token.clone())).await.unwrap();
    assert_eq!(caller.account, session.account);
    assert_eq!(caller.principal_arn, session.principal_arn);
    assert_eq!(call(one.clone(), Some(two.session_token)).await, Err(AuthError::InvalidToken));
    assert_eq!(call(one.clone(), None).await, Err(AuthError::InvalidToken));
    assert_eq!(call(one.clone(), Some("nonsense".to_owned())).await, Err(AuthError::InvalidToken));
    let ended = keys.issue(&Session { expires: Timestamp::parse_iso8601(NOW).unwrap(), ..session }, &ids);
    assert_eq!(call(ended.clone(), Some(ended.session_token)).await, Err(AuthError::ExpiredToken));
    let foreign = targets::Credentials { secret_access_key: "guess".to_owned(), ..one.clone() };
    assert!(matches!(call(foreign, Some(one.session_token)).await, Err(AuthError::SignatureMismatch(_))));
}

#[tokio::test]
async fn a_long_lived_key_comes_without_a_token() {
    let (parts, body) = sign_request("lambda", KEY, SECRET, Some("left over"), "20150830T123600Z");
    assert_eq!(strict(&parts, body).await, Err(AuthError::InvalidToken));
    let (parts, body) = sign_request("lambda", "AKIDOTHER", SECRET, None, "20150830T123600Z");
    let error = AuthError::UnknownAccessKey { access_key: "AKIDOTHER".to_owned() };
    assert_eq!(strict(&parts, body).await, Err(error));
}

#[tokio::test]
async fn a_malformed_header_says_what_is_missing() {
    let with = |value: &'static str| async move {
        let parts = Request::builder().header("authorization", value).body(()).unwrap().into_parts().0;
        strict(&parts, b"").await.unwrap_err().to_string()
    };
    assert_eq!(with("Bearer abc").await, "Unsupported AWS 'algorithm': 'Bearer'");
    assert_eq!(
        with("AWS4-HMAC-SHA256 Credential=a/b, Signature=c").await,
        "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of \
         either a 'X-Amz-Date' or a 'Date' header."
    );
    let parts = Request::new(()).into_parts().0;
    assert_eq!(strict(&parts, b"").await, Err(AuthError::Missing));
}

#[tokio::test]
async fn chunked_uploads_are_refused_by_name() {
    let (mut parts, body) = signed("lambda");
    parts.headers.insert("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".parse().unwrap());
    assert!(matches!(strict(&parts, body).await, Err(AuthError::StreamingPayload(_))));
}

#[tokio::test]
async fn s3_wants_every_amz_header_signed() {
    let (mut parts, body) = signed("s3");
    parts.headers.insert("x-amz-acl", "public-read".parse().unwrap());
    let result = authenticator(Mode::Strict).authenticate(&parts, body, Some("s3"), &defaults()).await;
    assert_eq!(result, Err(AuthError::HeadersNotSigned(vec!["x-amz-acl".to_owned()])));
}

#[tokio::test]
async fn without_authentication_the_scope_is_believed_and_nothing_fails() {
    let off = authenticator(Mode::Off);
    let call = |header: String| {
        let off = &off;
        async move {
            let parts = Request::builder().header("authorization", header).body(()).unwrap().into_parts().0;
            off.authenticate(&parts, b"", Some("sqs"), &defaults()).await.unwrap()
        }
    };
    let scoped = |key: &str, region: &str| {
        call(format!(
            "AWS4-HMAC-SHA256 Credential={key}/20200101/{region}/sqs/aws4_request, SignedHeaders=a, Signature=b"
        ))
    };
    let caller = scoped("123456789012", "eu-west-3").await;
    assert_eq!((caller.account.as_str(), caller.region.as_str()), ("123456789012", "eu-west-3"));
    let caller = scoped("test", "EU?").await;
    assert_eq!((caller.account.as_str(), caller.region.as_str()), ("000000000000", "us-east-1"));
    assert_eq!(scoped("a/b", "eu-west-3").await.access_key.as_deref(), Some("a/b"));
    assert_eq!(scoped(KEY, "eu-west-3").await.account.as_str(), "111122223333");
    for nonsense in
        ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=", "AWS4-HMAC-SHA256 Credential=////", "Credential=x/y"]
    {
        let caller = call(nonsense.to_owned()).await;
        assert_eq!(caller.account.as_str(), "000000000000", "{nonsense}");
        assert!(!caller.verified);
    }
}

#[tokio::test]
async fn without_authentication_a_session_still_tells_its_account() {
    let session = Session {
        account: account("444455556666"),
        principal_arn: "arn:aws:sts::444455556666:assumed-role/r/s".to_owned(),
        principal_id: "AROAEXAMPLE:s".to_owned(),
        expires: Timestamp::UNIX_EPOCH,
    };
    let issued = SessionKeys::new([7; 32]).issue(&session, &ids::IdSource::seeded(1));
    let parts = Request::builder()
        .uri(format!(
            "/?X-Amz-Credential={}%2F20200101%2Feu-west-3%2Fsqs%2Faws4_request&X-Amz-Security-Token={}",
            issued.access_key_id,
            issued.session_token.replace('+', "%2B")
        ))
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let caller = authenticator(Mode::Off).authenticate(&parts, b"", None, &defaults()).await.unwrap();
    assert_eq!(caller.account, session.account);
    assert_eq!(caller.region.as_str(), "eu-west-3");
}
