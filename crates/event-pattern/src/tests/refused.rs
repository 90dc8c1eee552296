//! Patterns that are refused, with the texts that AWS was recorded to answer (localstack's AWS-validated snapshots
//! `test_sns_filter_policy` and `test_events_patterns`).

use crate::{Dialect, Pattern};

fn check(dialect: Dialect, prefix: &str, rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        let error = Pattern::parse(text, dialect).expect_err(text).to_string();
        assert_eq!(error, format!("{prefix}{expected}"), "{text}");
    }
}

#[test]
fn by_both() {
    let rows = &[
        (r#"{"key":[["value"]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"key":[{"wrong-operator":true}]}"#, "Unrecognized match type wrong-operator"),
        (r#"{"key":[{"EXISTS":true}]}"#, "Unrecognized match type EXISTS"),
        (r#"{"key":[{"suffix":"value","prefix":"value2"}]}"#, "Only one key allowed in match expression"),
        (r#"{"key":[{"suffix":100}]}"#, "suffix match pattern must be a string"),
        (r#"{"key":[{"suffix":null}]}"#, "suffix match pattern must be a string"),
        (r#"{"key":[{"suffix":["test","test2"]}]}"#, "suffix match pattern must be a string"),
        (r#"{"key":[{"prefix":["2022-07-13"]}]}"#, "prefix match pattern must be a string"),
        (r#"{"key":{"suffix":"value"}}"#, r#""suffix" must be an object or an array"#),
        (r#"{"int":42}"#, r#""int" must be an object or an array"#),
        (r#"{"resources":[]}"#, "Empty arrays are not allowed"),
        (r#"{"a":{}}"#, "Empty objects are not allowed"),
        (r#"["not","a","dict"]"#, "Filter is not an object"),
        (r#"{"key":[{"numeric":[]}]}"#, "Invalid member in numeric match: ]"),
        (r#"{"key":[{"numeric":["operator"]}]}"#, "Unrecognized numeric range operator: operator"),
        (r#"{"key":[{"numeric":["!=",1]}]}"#, "Unrecognized numeric range operator: !="),
        (r#"{"key":[{"numeric":[1,"<="]}]}"#, "Invalid member in numeric match: 1"),
        (r#"{"key":[{"numeric":["=","000"]}]}"#, "Value of equals must be numeric"),
        (r#"{"key":[{"numeric":[">="]}]}"#, "Value of >= must be numeric"),
        (r#"{"key":[{"numeric":["<",100,">",10]}]}"#, "Too many elements in numeric expression"),
        (r#"{"key":[{"numeric":[">=",1,">",2]}]}"#, "Bad numeric range operator: >"),
        (r#"{"key":[{"numeric":[">",3,"<",1]}]}"#, "Bottom must be less than top"),
        (r#"{"key":[{"numeric":[">",20,"<="]}]}"#, "Value of <= must be numeric"),
        (r#"{"key":[{"numeric":[">",20,30]}]}"#, "Bad value in numeric range: 30"),
        (r#"{"key":[{"numeric":[">",20,"test"]}]}"#, "Bad numeric range operator: test"),
        (r#"{"key":[{"numeric":[">","20","<","30"]}]}"#, "Value of > must be numeric"),
        (r#"{"key":[{"numeric":[">",20,"<","30"]}]}"#, "Value of < must be numeric"),
        (r#"{"key":[{"numeric":[">",20,"<",30,"<",50]}]}"#, "Too many terms in numeric range expression"),
        (r#"{"key":[{"numeric":["=",5000000001]}]}"#, "Value must be between -5.0E9 and 5.0E9, inclusive"),
        (r#"{"key":[{"numeric":5}]}"#, "Value of numeric must be an array."),
        (r#"{"key":[{"exists":null}]}"#, "exists match pattern must be either true or false."),
        (r#"{"key":[{"exists":"no"}]}"#, "exists match pattern must be either true or false."),
        (
            r#"{"key":[{"anything-but":{"wrong-operator":null}}]}"#,
            "Unsupported anything-but pattern: wrong-operator",
        ),
        (r#"{"key":[{"anything-but":{"exists":false}}]}"#, "Unsupported anything-but pattern: exists"),
        (r#"{"key":[{"anything-but":{"prefix":""}}]}"#, "Null prefix/suffix not allowed"),
        (
            r#"{"key":[{"anything-but":null}]}"#,
            "Value of anything-but must be an array or single string/number value.",
        ),
        (
            r#"{"key":[{"anything-but":["a",null]}]}"#,
            "Inside anything but list, start|null|boolean is not supported.",
        ),
        (
            r#"{"key":[{"anything-but":["a",1]}]}"#,
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
        (r#"{"key":[{"cidr":["bad-type"]}]}"#, "prefix match pattern must be a string"),
        (r#"{"key":[{"cidr":"10.0.0.0"}]}"#, "Malformed CIDR, one '/' required"),
        (r#"{"key":[{"cidr":"10.0.0.0/xx"}]}"#, "Malformed CIDR, mask bits must be an integer"),
        (r#"{"key":[{"cidr":"10.0.0.0/-1"}]}"#, "Malformed CIDR, mask bits must not be negative"),
        (r#"{"key":[{"cidr":"10.0.0.0/32"}]}"#, "IPv4 mask bits must be < 32"),
        (r#"{"key":[{"cidr":"::/128"}]}"#, "IPv6 mask bits must be < 128"),
        (r#"{"key":[{"cidr":"xx.11.xx/8"}]}"#, "Nonstandard IP address: xx.11.xx"),
        (r#"{"key":[{"cidr":"xxxx:db8:1234:1a00::/64"}]}"#, "Nonstandard IP address: xxxx:db8:1234:1a00::"),
        (r#"{"key":[{"wildcard":123}]}"#, "wildcard match pattern must be a string"),
        (
            r#"{"key":[{"wildcard":"arn:aws:events:us-east-1:**:event-bus/*"}]}"#,
            "Consecutive wildcard characters at pos 26",
        ),
        (r#"{"key":[{"wildcard":"a\\b"}]}"#, "Invalid escape character at pos 2"),
        (
            r#"{"key":[{"wildcard":"*:*:*:*:*:event-bus/*"}]}"#,
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a \
             wildcard character",
        ),
    ];
    check(Dialect::EventBridge, "", rows);
    check(Dialect::SnsBody, "FilterPolicy: ", rows);
}

#[test]
fn by_eventbridge() {
    check(
        Dialect::EventBridge,
        "",
        &[
            ("{}", "Empty objects are not allowed"),
            (
                r#"{"k":[{"equals-ignore-case":{"prefix":"ec2"}}]}"#,
                "equals-ignore-case match pattern must be a string",
            ),
            (r#"{"k":[{"anything-but":{"prefix":123}}]}"#, "prefix/suffix match pattern must be a string"),
            (
                r#"{"k":[{"anything-but":{"suffix":[123,".txt"]}}]}"#,
                "prefix/suffix match pattern must be a string",
            ),
            (
                r#"{"k":[{"anything-but":{"wildcard":[123,"*/dir/*"]}}]}"#,
                "wildcard match pattern must be a string",
            ),
            (
                r#"{"k":[{"anything-but":{"equals-ignore-case":[123,456]}}]}"#,
                "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
            ),
            (
                r#"{"k":[{"anything-but":{"prefix":{"equals-ignore-case":"file"}}}]}"#,
                "Value of anything-but must be an array or single string/number value.",
            ),
        ],
    );
}

#[test]
fn by_sns() {
    let rows = &[
        (r#"{"key":[{"anything-but":{"suffix":"test"}}]}"#, "Unsupported anything-but pattern: suffix"),
        (r#"{"key":[{"anything-but":{"prefix":false}}]}"#, "prefix match pattern must be a string"),
        (r#"{"key":[{"prefix":{"equals-ignore-case":"x"}}]}"#, "prefix match pattern must be a string"),
    ];
    check(Dialect::SnsAttributes, "FilterPolicy: ", rows);
    check(Dialect::SnsBody, "FilterPolicy: ", rows);
    // What is wrong inside comes first.
    check(
        Dialect::SnsAttributes,
        "",
        &[
            (
                r#"{"object":{"key":[{"prefix":"auto-"}]}}"#,
                "Filter policy scope MessageAttributes does not support nested filter policy",
            ),
            (r#"{"key":{"suffix":"value"}}"#, r#"FilterPolicy: "suffix" must be an object or an array"#),
        ],
    );
    let error = Pattern::parse("{invalidjson}", Dialect::SnsAttributes).unwrap_err().to_string();
    assert!(error.starts_with("FilterPolicy: failed to parse JSON. "), "{error}");
}

#[test]
fn by_lambda() {
    check(
        Dialect::LambdaFilter,
        "Invalid filter pattern definition.",
        &[("", ""), ("{", ""), ("{}", ""), (r#"{"a":[]}"#, ""), (r#"{"a":"b"}"#, "")],
    );
}

#[test]
fn what_is_too_large() {
    let long = format!(r#"{{"k":["{}"]}}"#, "x".repeat(4_096));
    assert!(Pattern::parse(&long, Dialect::EventBridge).is_err());
    assert!(Pattern::parse(&long, Dialect::LambdaFilter).is_err());
    assert!(Pattern::parse(&long, Dialect::SnsBody).is_ok());
    let longer = format!(r#"{{"k":["{}"]}}"#, "x".repeat(256 * 1_024));
    assert!(Pattern::parse(&longer, Dialect::SnsBody).is_err());
    // 2^40 branches, a path of 2,000 steps, and objects nested deeper than JSON is read.
    let or = r#""$or":[{"a":["x"]},{"b":["x"]}],"#;
    let or = (0..40).fold(String::new(), |inner, _| {
        format!(r#"{{{or}"n":{}}}"#, if inner.is_empty() { "[1]" } else { &inner })
    });
    assert_eq!(
        Pattern::parse(&or, Dialect::EventBridge).unwrap_err().to_string(),
        "Filter policy is too complex"
    );
    let path = format!(r#"{{"{}":["x"]}}"#, ".".repeat(2_000));
    assert!(Pattern::parse(&path, Dialect::EventBridge).is_err());
    let deep = format!("{}[1]{}", r#"{"a":"#.repeat(600), "}".repeat(600));
    assert!(Pattern::parse(&deep, Dialect::EventBridge).is_err());
    assert!(Pattern::parse(&"[".repeat(200_000), Dialect::SnsBody).is_err());
}
