//! SNS's attributes (Amazon SNS developer guide, "String value matching", "Numeric value matching", "Key matching") and
//! limits ("Filter policy constraints").

use serde_json::json;

use super::pattern;
use crate::{Attribute, Dialect, Pattern};

fn matches(policy: &str, attributes: &[(&str, Attribute<'_>)]) -> bool {
    pattern(policy, Dialect::SnsAttributes).matches_attributes(attributes.iter().copied())
}

#[test]
fn attributes() {
    use Attribute::{Binary, Number, String, StringArray};
    let interests = r#"{"customer_interests":["rugby","tennis"]}"#;
    let not_interests = r#"{"customer_interests":[{"anything-but":["rugby","tennis"]}]}"#;
    let rows: &[(&str, Attribute<'_>, bool)] = &[
        (interests, String("rugby"), true),
        (interests, StringArray(r#"["rugby","tennis"]"#), true),
        (interests, StringArray(r#"["baseball"]"#), false),
        (interests, String("baseball"), false),
        (not_interests, StringArray(r#"["rugby","baseball"]"#), true),
        (not_interests, StringArray(r#"["rugby"]"#), false),
        (not_interests, Binary, false),
        (r#"{"customer_interests":[{"prefix":"bas"}]}"#, String("baseball"), true),
        (r#"{"customer_interests":[{"suffix":"ball"}]}"#, String("baseball"), true),
        (r#"{"customer_interests":[{"equals-ignore-case":"TENNIS"}]}"#, String("tennis"), true),
        (r#"{"customer_interests":[{"anything-but":{"prefix":"order-"}}]}"#, String("order-1"), false),
        (r#"{"customer_interests":[{"wildcard":"*ball"}]}"#, String("football"), true),
        (r#"{"customer_interests":[{"cidr":"10.0.0.0/24"}]}"#, String("10.0.0.7"), true),
        (r#"{"customer_interests":[{"numeric":["=",301.5]}]}"#, Number("3.015e2"), true),
        (r#"{"customer_interests":[{"numeric":["=",0.5]}]}"#, Number(".5"), true),
        (r#"{"customer_interests":[{"numeric":["=",301.5]}]}"#, String("301.5"), false),
        (r#"{"customer_interests":[301.5]}"#, Number("301.50"), true),
        (r#"{"customer_interests":["301.5"]}"#, Number("301.5"), false),
        (r#"{"customer_interests":[{"numeric":[">",0,"<=",150]}]}"#, StringArray("[200, 150]"), true),
        (r#"{"customer_interests":[{"anything-but":[100,500]}]}"#, StringArray("[100, 50]"), true),
        (r#"{"customer_interests":[true]}"#, StringArray("[true]"), true),
        (r#"{"customer_interests":[null]}"#, StringArray("[null]"), true),
        (r#"{"customer_interests":["x"]}"#, StringArray("not JSON"), false),
        (r#"{"customer_interests":[{"exists":true}]}"#, StringArray("[]"), true),
        (r#"{"customer_interests":[{"exists":true}]}"#, Binary, false),
        (r#"{"customer_interests":[{"exists":false}]}"#, Binary, true),
        (r#"{"customer_interests":[{"exists":false}]}"#, String(""), false),
    ];
    for (policy, attribute, expected) in rows {
        let found = matches(policy, &[("customer_interests", *attribute), ("other", String("x"))]);
        assert_eq!(found, *expected, "{policy} and {attribute:?}");
    }
}

#[test]
fn attributes_that_are_absent() {
    assert!(matches(r#"{"store":[{"exists":false}]}"#, &[]));
    assert!(!matches(r#"{"store":[{"exists":true}]}"#, &[]));
    assert!(!matches(r#"{"store":[null,{"anything-but":"x"}]}"#, &[]));
    assert!(matches(r#"{}"#, &[]));
}

#[test]
fn every_key_and_any_value() {
    use Attribute::String;
    let policy = r#"{"a":["1","2"],"$or":[{"b":["3"]},{"c":["4"]}]}"#;
    assert!(matches(policy, &[("a", String("2")), ("c", String("4"))]));
    assert!(!matches(policy, &[("a", String("2")), ("c", String("5"))]));
    assert!(!matches(policy, &[("c", String("4"))]));
}

#[test]
fn names_of_attributes_have_no_structure() {
    assert!(matches(r#"{"a.b":["1"]}"#, &[("a.b", Attribute::String("1"))]));
    assert!(!matches(r#"{"a.b":["1"]}"#, &[("a", Attribute::String("1"))]));
}

fn refusal(policy: &serde_json::Value, dialect: Dialect) -> String {
    Pattern::parse(&policy.to_string(), dialect).unwrap_err().to_string()
}

#[test]
fn complexity_of_flat_policies() {
    let values = |count: usize| (0..count).map(|i| format!("value{i}")).collect::<Vec<_>>();
    let complex = "FilterPolicy: Filter policy is too complex";
    assert_eq!(refusal(&json!({"key": values(151)}), Dialect::SnsAttributes), complex);
    assert_eq!(refusal(&json!({"key1": values(100), "key2": values(51)}), Dialect::SnsAttributes), complex);
    pattern(&json!({"key": values(150)}).to_string(), Dialect::SnsAttributes);
    let keys = json!({"1":["x"],"2":["x"],"3":["x"],"4":["x"],"5":["x"],"6":["x"]});
    assert_eq!(
        refusal(&keys, Dialect::SnsAttributes),
        "FilterPolicy: Filter policy can not have more than 5 keys"
    );
}

/// 3 x 4 x 2 x 3 x 1 x 3 = 216 ("Filter policy constraints", payload-based filtering).
#[test]
fn complexity_of_nested_policies() {
    let policy = json!({
        "key_a": {"key_b": {"key_c": ["value_one", "value_two", "value_three", "value_four"]}},
        "key_d": {"key_e": ["value_one", "value_two", "value_three"]},
        "key_f": ["value_one", "value_two", "value_three"],
    });
    assert_eq!(refusal(&policy, Dialect::SnsBody), "FilterPolicy: Filter policy is too complex");
}

/// (4 x 6) + (4 x 4 x 4) + (4 x 4 x 4) = 152 is refused, (3 x 6) + (3 x 4 x 4) + (3 x 4 x 7) = 150 is not (recorded).
#[test]
fn complexity_with_or() {
    let policy = |sources: usize, metrics: usize, ids: usize, spaces: usize| {
        let list = |count: usize| (0..count).collect::<Vec<_>>();
        json!({"source": list(sources), "$or": [
            {"metricName": list(metrics)},
            {"metricType": list(4), "$or": [{"metricId": list(ids)}, {"spaceId": list(spaces)}]},
        ]})
    };
    let complex = "FilterPolicy: Filter policy is too complex";
    assert_eq!(refusal(&policy(4, 6, 4, 4), Dialect::SnsAttributes), complex);
    pattern(&policy(3, 6, 4, 7).to_string(), Dialect::SnsAttributes);
}
