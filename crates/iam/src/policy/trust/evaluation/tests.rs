use super::*;

const CALLER: &str = "arn:aws:iam::000000000000:user/u";

fn allow(principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#)
}

fn statement(effect: &str, action: &str, condition: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Principal":"*",{action},"Condition":{condition}}}"#)
}

fn verdict(statements: &[String], principal: Principal<'_>, external_id: Option<&str>) -> Verdict {
    let policy = TrustPolicy::parse(&format!(r#"{{"Statement":[{}]}}"#, statements.join(","))).unwrap();
    policy.evaluate(Attempt { principal, facts: &[("sts:ExternalId", external_id)] })
}

fn for_caller(statements: &[String]) -> Verdict {
    let names = ["000000000000", "arn:aws:iam::000000000000:root", CALLER].map(str::to_owned);
    verdict(statements, Principal::Aws(&names), Some("e"))
}

#[test]
fn a_caller_is_trusted_by_any_of_their_names() {
    for (principal, expected) in [
        (r#""*""#, Verdict::Allowed),
        (r#"{"AWS":"*"}"#, Verdict::Allowed),
        (r#"{"AWS":"000000000000"}"#, Verdict::Allowed),
        (r#"{"AWS":["111111111111","arn:aws:iam::000000000000:root"]}"#, Verdict::Allowed),
        (r#"{"AWS":"arn:aws:iam::000000000000:user/u"}"#, Verdict::Allowed),
        (r#"{"AWS":"arn:aws:iam::000000000000:user/U"}"#, Verdict::Denied),
        (r#"{"AWS":"arn:aws:iam::111111111111:root"}"#, Verdict::Denied),
        (r#"{"Service":"lambda.amazonaws.com"}"#, Verdict::Denied),
        (r#"{"Federated":"arn:aws:iam::000000000000:user/u"}"#, Verdict::Denied),
    ] {
        assert_eq!(for_caller(&[allow(principal)]), expected, "{principal}");
    }
}

#[test]
fn a_service_is_trusted_by_its_own_name_only() {
    let lambda = Principal::Service("lambda.amazonaws.com");
    for (principal, expected) in [
        (r#"{"Service":["states.amazonaws.com","lambda.amazonaws.com"]}"#, Verdict::Allowed),
        (r#"{"Service":"states.amazonaws.com"}"#, Verdict::Denied),
        (r#"{"AWS":"*"}"#, Verdict::Denied),
        (r#""*""#, Verdict::Denied),
    ] {
        assert_eq!(verdict(&[allow(principal)], lambda, None), expected, "{principal}");
    }
}

#[test]
fn actions_may_have_wildcards_and_be_excluded() {
    for (action, expected) in [
        (r#""Action":"STS:assumerole""#, Verdict::Allowed),
        (r#""Action":["sts:TagSession","sts:*"]"#, Verdict::Allowed),
        (r#""Action":"sts:Assume?ole""#, Verdict::Allowed),
        (r#""Action":"sts:*Role*""#, Verdict::Allowed),
        (r#""Action":"*""#, Verdict::Allowed),
        (r#""Action":"sts:AssumeRoleWithSAML""#, Verdict::Denied),
        (r#""Action":"sts:AssumeRol""#, Verdict::Denied),
        (r#""NotAction":"sts:TagSession""#, Verdict::Allowed),
        (r#""NotAction":["sts:Assume*"]"#, Verdict::Denied),
    ] {
        assert_eq!(for_caller(&[statement("Allow", action, "{}")]), expected, "{action}");
    }
}

#[test]
fn a_denial_overrides_wherever_it_stands() {
    let deny = statement("Deny", r#""Action":"sts:*""#, "{}");
    assert_eq!(for_caller(&[allow(r#""*""#), deny.clone()]), Verdict::Denied);
    assert_eq!(for_caller(&[deny, allow(r#""*""#)]), Verdict::Denied);
}

#[test]
fn an_external_id_must_be_the_one_that_was_agreed() {
    for (condition, external_id, expected) in [
        (r#"{"StringEquals":{"sts:ExternalId":"e"}}"#, Some("e"), Verdict::Allowed),
        (r#"{"StringEquals":{"STS:externalid":["d","e"]}}"#, Some("e"), Verdict::Allowed),
        (r#"{"StringEquals":{"sts:ExternalId":12}}"#, Some("12"), Verdict::Allowed),
        (r#"{"StringEquals":{"sts:ExternalId":"e"}}"#, Some("E"), Verdict::Denied),
        (r#"{"StringEquals":{"sts:ExternalId":"e"}}"#, None, Verdict::Denied),
        (r#"{"StringEquals":{"sts:ExternalId":[]}}"#, Some("e"), Verdict::Denied),
        // Both must hold, although they have the same name.
        (
            r#"{"StringEquals":{"sts:ExternalId":"d"},"StringEquals":{"sts:ExternalId":"e"}}"#,
            Some("e"),
            Verdict::Denied,
        ),
        // What does not hold settles it, whatever else there is.
        (r#"{"Bool":{"a:b":true},"StringEquals":{"sts:ExternalId":"d"}}"#, Some("e"), Verdict::Denied),
    ] {
        let statements = [statement("Allow", r#""Action":"sts:AssumeRole""#, condition)];
        let found = verdict(&statements, Principal::Aws(&[]), external_id);
        assert_eq!(found, expected, "{condition} {external_id:?}");
    }
}

#[test]
fn what_hangs_on_an_unknown_condition_is_not_decided() {
    let undecided = || Verdict::Undecided("StringLike on sts:ExternalId".to_owned());
    let like = r#"{"StringLike":{"sts:ExternalId":"e*"}}"#;
    let action = r#""Action":"sts:AssumeRole""#;
    let (allow_like, deny_like) = (statement("Allow", action, like), statement("Deny", action, like));
    assert_eq!(for_caller(std::slice::from_ref(&allow_like)), undecided());
    assert_eq!(for_caller(&[allow_like.clone(), allow(r#""*""#)]), Verdict::Allowed);
    assert_eq!(for_caller(&[allow_like, deny_like.clone()]), undecided());
    assert_eq!(for_caller(&[allow(r#""*""#), deny_like.clone()]), undecided());
    assert_eq!(for_caller(&[deny_like]), Verdict::Denied);
    let unknown_key = statement("Allow", action, r#"{"StringEquals":{"aws:PrincipalOrgID":"o"}}"#);
    let expected = Verdict::Undecided("StringEquals on aws:PrincipalOrgID".to_owned());
    assert_eq!(for_caller(&[unknown_key]), expected);
}
