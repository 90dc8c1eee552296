use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(pattern: &str, matching: &[&str], other: &[&str]) {
    let parsed = FilterPattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    for message in matching {
        assert!(parsed.matches(message), "{pattern} should match {message}");
    }
    for message in other {
        assert!(!parsed.matches(message), "{pattern} should not match {message}");
    }
}

#[track_caller]
fn refuse(pattern: &str, text: &str) {
    let error = FilterPattern::parse(pattern).expect_err(pattern);
    assert_eq!(error.to_string(), text, "{pattern}");
}

#[test]
fn nothing_matches_everything() {
    check("", &["", "x"], &[]);
    check("  ", &["x"], &[]);
    check("\"\"", &["x"], &[]);
}

#[test]
fn terms() {
    check("ERROR", &["[ERROR] fatal", "Exiting with ERRORCODE: -1"], &["error", "WARN"]);
    check("ERROR Exception", &["ERROR IllegalArgumentException"], &["ERROR", "Exception"]);
    check("?ERROR ?WARN", &["ERROR WARN", "an ERROR", "WARN"], &["INFO"]);
    check("ERROR -Exiting", &["[ERROR] fatal"], &["Exiting with ERRORCODE: -1"]);
    check("ERROR - \"Exiting\"", &["[ERROR] fatal"], &["Exiting with ERRORCODE: -1"]);
    check("-DEBUG", &["x", ""], &["DEBUG x"]);
    check("\"Task timed out\"", &["U Task timed out after 3.00 seconds"], &["Task out timed"]);
    check(r#""level\":\"error""#, &[r#"{"level":"error"}"#], &[r#"{"level": "error"}"#]);
    check(r#""a\\b""#, &[r"a\b"], &["ab"]);
    // Mixed with plain terms, the optional ones do not count.
    check("?ERROR WARN", &["WARN"], &["ERROR"]);
    check("?ERROR -DEBUG", &["WARN"], &["ERROR DEBUG"]);
}

#[test]
fn regexes() {
    check("%AUTHORIZED%", &["[ERROR 401] UNAUTHORIZED REQUEST", "AUTHORIZED"], &["authorized"]);
    check(r"%\d{1,3}\.\d{1,3}% ERROR", &["ERROR 10.1"], &["ERROR x", "10.1"]);
    check("%^[hc]at%", &["hat", "cat x"], &["a hat"]);
    check("?%colou?r% ?%gr[ae]y%", &["color", "gray"], &["blue"]);
    check("-%a+%", &["b"], &["baa"]);
    refuse("%something!%", "Invalid character(s) in term '!'");
    refuse("%(a|b)%", "Invalid character(s) in term '('");
    refuse("%a b%", "Invalid character(s) in term ' '");
    refuse("%é%", "Invalid character(s) in term 'é'");
    refuse("%a", "Invalid character(s) in term '%'");
    refuse("%[a%", "Invalid regular expression '%[a%'");
    refuse("%a% %b% %c%", "Filter pattern contains 3 regular expressions, at most 2 are allowed");
    assert!(FilterPattern::parse("%a{1000}{1000}%").is_err());
}

#[test]
fn json_of_the_user_guide() {
    let trail = r#"{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111",
        "arrayKey":["value","another value"],"objectList":[{"name":"a","id":1},{"name":"b","id":2}],
        "SomeObject":null,"ThisFlag":true}"#;
    for pattern in [
        r#"{ $.eventType = "UpdateTrail" }"#,
        "{ $.sourceIPAddress != 123.123.* }",
        r#"{ $.arrayKey[0] = "value" }"#,
        "{ $.objectList[1].id = 2 }",
        "{ $.objectList[*].id = 2 }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.ThisFlag IS TRUE }",
        "{$.eventType=UpdateTrail}",
        "{ $.eventType = *Trail }",
        "{ $['eventType'] = Update* }",
    ] {
        check(pattern, &[trail], &["", "UpdateTrail", "{}x"]);
    }
    for pattern in [
        "{ $.sourceIPAddress != 111.111.* }",
        "{ $.arrayKey[2] = \"value\" }",
        "{ $.arrayKey = value }",
        "{ $.arrayKey != value }",
        "{ $.SomeObject NOT EXISTS }",
        "{ $.SomeOtherObject IS NULL }",
        "{ $.SomeOtherObject != x }",
        "{ $.ThisFlag IS FALSE }",
        "{ $.eventType = Up*Trail }",
    ] {
        check(pattern, &[], &[trail]);
    }
}

#[test]
fn and_binds_before_or() {
    let message = r#"{"user":{"id":1,"email":"John.Stiles@example.com"},
        "users":[{"id":2,"email":"John.Doe@example.com"}],"actions":["GET","PUT","DELETE"],
        "coordinates":[[0,1,2],[4,5,6],[7,8,9]]}"#;
    let john = r#"$.user.email = "John.Stiles@example.com""#;
    check(r#"{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }"#, &[message], &[]);
    check(r#"{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }"#, &[], &[message]);
    let or_and = format!("{{ {john} || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }}");
    check(&or_and, &[message], &[]);
    let grouped = format!("{{ ({john} || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }}");
    check(&grouped, &[], &[message]);
}

#[test]
fn numbers() {
    check("{ $.latency >= 500 }", &[r#"{"latency":500}"#], &[r#"{"latency":499.9}"#, r#"{"latency":null}"#]);
    check("{ $.n < 10e-3 }", &[r#"{"n":0.009}"#], &[r#"{"n":0.01}"#]);
    check("{ $.n > +1000 }", &[r#"{"n":1e4}"#], &[r#"{"n":1000}"#]);
    check("{ $.code = 4* }", &[r#"{"code":404}"#, r#"{"code":"4xx"}"#], &[r#"{"code":504}"#]);
    check("{ $.code = 404 }", &[r#"{"code":404}"#, r#"{"code":"404"}"#], &[r#"{"code":4040}"#]);
    check("{ $.code != 500 }", &[r#"{"code":404}"#], &[r#"{"code":500}"#, "{}"]);
    check("{ $.latency = * }", &[r#"{"latency":0}"#, r#"{"latency":""}"#], &["{}"]);
    refuse(r#"{ $.v > "Alpha" }"#, "Invalid character(s) in term '\"'");
}

#[test]
fn json_that_is_refused() {
    refuse("{ $.v EXISTS }", "Invalid character(s) in term 'EXISTS'");
    refuse("{ $.v IS NOT NULL }", "Invalid character(s) in term 'NOT'");
    refuse("{ $.v == 1 }", "Invalid character(s) in term '='");
    refuse("{ $.items[*].* = 1 }", "Invalid character(s) in term '$.'");
    refuse("{ $..value = 1 }", "Invalid character(s) in term '.'");
    refuse(r#"{ $.a = "b", $.c = "d" }"#, "Invalid character(s) in term ','");
    refuse("{ $.a = 1", "Invalid filter pattern: it ends too early");
    refuse("{ $.a = 1 } x", "Invalid character(s) in term 'x'");
    refuse("{}", "Invalid character(s) in term '}'");
    refuse(
        &format!("{{ {}$.a = 1 }}", "(".repeat(1000)),
        "Invalid filter pattern: its parentheses nest too deep",
    );
}

#[test]
fn words_that_are_refused() {
    refuse("?Status: timeout", "Invalid character(s) in term ':'");
    refuse("\"unclosed", "Invalid character(s) in term '\"'");
    refuse("a -", "Invalid filter pattern: it ends too early");
    refuse("(a)", "Invalid character(s) in term '('");
}

#[test]
fn space_delimited_fields() {
    let apache = r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
    for pattern in [
        "[ip, user, username, timestamp, request, status_code, bytes]",
        "[ip, user, username, timestamp, request, status_code = 4*, bytes]",
        "[ip, user, username, timestamp, request = *.html*, status_code = 4*, bytes > 1000]",
        "[ip, user, username, timestamp, request, status_code = 4* && status_code != 403, bytes]",
        "[ip, ..., status_code = 404 || status_code = 410, bytes]",
        "[..., bytes >= 1534]",
        "[..., request=*.html*, status_code=4*,]",
        "[ip=%127\\.0\\.0\\.[1-9]%, ...]",
        "[]",
        "[ip, rest]",
        "[ip, rest = *404*]",
    ] {
        check(pattern, &[apache], &[]);
    }
    for pattern in [
        "[a, b, c, d, e, f, g, h]",
        "[ip, user, username, timestamp, request, status_code = 5*, bytes]",
        "[..., bytes > 1534]",
        "[ip = 127.0.0.2, ...]",
        "[a, b, c, d, ..., e, f, g, h]",
    ] {
        check(pattern, &[], &[apache]);
    }
    check("[w1=ERROR, w2]", &["ERROR 09/25/2014 Failed to process", "ERROR x"], &["ERROR", "INFO x"]);
    check("[w1=ERROR]", &["ERROR"], &["ERROR x"]);
    check("[w1!=ERROR && w1!=WARNING, w2]", &["INFO x"], &["ERROR x", "WARNING x"]);
    check("[a, b]", &["[never closed"], &["", "\"one"]);
    check("[level=\"[\", b]", &["[ x"], &[]);
}

#[test]
fn fields_that_are_refused() {
    refuse("[a, ..., b, ...]", "Invalid character(s) in term '...'");
    refuse("[a", "Invalid filter pattern: it ends too early");
    refuse("[a=1 && b=2]", "Invalid character(s) in term 'b'");
    refuse("[a b]", "Invalid character(s) in term 'b'");
    refuse("[a] b", "Invalid character(s) in term 'b'");
}

/// Pieces of the grammar in any order, so that parsers are led deep before they meet nonsense.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "{", "}", "[", "]", "(", ")", "$", ".", "...", ",", "&&", "||", "=", "!=", ">", "<=", "*", "\"",
            "%", "?", "-", " ", "IS", "NOT", "EXISTS", "TRUE", "NULL", "$.a", "'", "\\", "1e3", "4*", "%a%",
            "é",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-z0-9]{1,3}",
    ]
}

proptest! {
    #[test]
    fn parsing_and_matching_never_panic(
        pieces in prop::collection::vec(piece(), 0..24),
        message in prop::collection::vec(piece(), 0..16),
        any_text in any::<String>(),
    ) {
        for text in [pieces.concat(), any_text.clone()] {
            if let Ok(pattern) = FilterPattern::parse(&text) {
                let _either = pattern.matches(&message.concat());
                let _either = pattern.matches(&any_text);
            }
        }
    }

    #[test]
    fn a_quoted_term_finds_any_text(text in any::<String>(), before in ".*", after in ".*") {
        let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let pattern = FilterPattern::parse(&quoted).unwrap();
        let message = format!("{before}{text}{after}");
        prop_assert!(pattern.matches(&message));
    }

    #[test]
    fn a_json_value_is_found_again(name in "[a-zA-Z0-9_-]{1,8}", value in "[a-zA-Z0-9 @\"\\\\]{1,8}") {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let pattern = FilterPattern::parse(&format!("{{ $.{name} = \"{quoted}\" }}")).unwrap();
        let message = serde_json::json!({ name.as_str(): value }).to_string();
        prop_assert!(pattern.matches(&message));
    }
}
