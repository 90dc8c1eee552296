//! Documented and recorded cases of the language that EventBridge, Lambda and SNS's message bodies share.

use super::check;
use crate::Dialect;

const ALL: [Dialect; 3] = [Dialect::EventBridge, Dialect::LambdaFilter, Dialect::SnsBody];

fn check_all(rows: &[(&str, &str, bool)]) {
    for dialect in ALL {
        check(dialect, rows);
    }
}

/// Amazon EventBridge user guide, "Comparison operators"; AWS Lambda developer guide, "Filter rule syntax".
#[test]
fn comparison_operators() {
    check_all(&[
        (r#"{"UserID":[null]}"#, r#"{"UserID":null}"#, true),
        (r#"{"UserID":[null]}"#, r#"{"UserID":"null"}"#, false),
        (r#"{"UserID":[null]}"#, r#"{}"#, false),
        (r#"{"LastName":[""]}"#, r#"{"LastName":""}"#, true),
        (r#"{"LastName":[""]}"#, r#"{"LastName":null}"#, false),
        (r#"{"Name":["Alice"]}"#, r#"{"Name":"Alice"}"#, true),
        (r#"{"Name":["Alice"]}"#, r#"{"Name":"alice"}"#, false),
        (r#"{"Name":[{"equals-ignore-case":"alice"}]}"#, r#"{"Name":"ALICE"}"#, true),
        (r#"{"Name":[{"equals-ignore-case":""}]}"#, r#"{"Name":""}"#, true),
        (r#"{"Location":["New York"],"Day":["Monday"]}"#, r#"{"Location":"New York","Day":"Monday"}"#, true),
        (r#"{"Location":["New York"],"Day":["Monday"]}"#, r#"{"Location":"New York","Day":"Friday"}"#, false),
        (r#"{"PaymentType":["Credit","Debit"]}"#, r#"{"PaymentType":"Debit"}"#, true),
        (r#"{"Weather":[{"anything-but":["Raining"]}]}"#, r#"{"Weather":"Sunny"}"#, true),
        (r#"{"Weather":[{"anything-but":["Raining"]}]}"#, r#"{"Weather":"Raining"}"#, false),
        (r#"{"Price":[{"numeric":["=",100]}]}"#, r#"{"Price":100}"#, true),
        (r#"{"Price":[{"numeric":[">",10,"<=",20]}]}"#, r#"{"Price":20}"#, true),
        (r#"{"Price":[{"numeric":[">",10,"<=",20]}]}"#, r#"{"Price":10}"#, false),
        (r#"{"ProductName":[{"exists":true}]}"#, r#"{"ProductName":null}"#, true),
        (r#"{"ProductName":[{"exists":false}]}"#, r#"{"Other":1}"#, true),
        (r#"{"ProductName":[{"exists":false}]}"#, r#"{"ProductName":null}"#, false),
        (r#"{"Region":[{"prefix":"us-"}]}"#, r#"{"Region":"us-east-1"}"#, true),
        (r#"{"Region":[{"prefix":"us-"}]}"#, r#"{"Region":"eu-us-1"}"#, false),
        (r#"{"FileName":[{"suffix":".png"}]}"#, r#"{"FileName":"a.png"}"#, true),
        (r#"{"FileName":[{"suffix":".png"}]}"#, r#"{"FileName":"a.png.zip"}"#, false),
        (r#"{"flag":[true]}"#, r#"{"flag":true}"#, true),
        (r#"{"flag":[true]}"#, r#"{"flag":"true"}"#, false),
        (r#"{"flag":[true]}"#, r#"{"flag":false}"#, false),
    ]);
}

/// Amazon EventBridge user guide, "Prefix matching", "Suffix matching" (`equals-ignore-case`), "Anything-but matching".
#[test]
fn what_only_eventbridge_and_lambda_take() {
    for dialect in [Dialect::EventBridge, Dialect::LambdaFilter] {
        check(
            dialect,
            &[
                (r#"{"s":[{"prefix":{"equals-ignore-case":"EventB"}}]}"#, r#"{"s":"eventbridge"}"#, true),
                (r#"{"s":[{"prefix":{"equals-ignore-case":"EventB"}}]}"#, r#"{"s":"an eventbridge"}"#, false),
                (r#"{"f":[{"suffix":{"equals-ignore-case":".PNG"}}]}"#, r#"{"f":"a.png"}"#, true),
                (r#"{"f":[{"anything-but":{"suffix":".txt"}}]}"#, r#"{"f":"a.png"}"#, true),
                (r#"{"f":[{"anything-but":{"suffix":[".txt",".rtf"]}}]}"#, r#"{"f":"a.rtf"}"#, false),
                (r#"{"s":[{"anything-but":{"equals-ignore-case":"X"}}]}"#, r#"{"s":"x"}"#, false),
                (r#"{"s":[{"anything-but":{"equals-ignore-case":["X","y"]}}]}"#, r#"{"s":"z"}"#, true),
                (r#"{"s":[{"exactly":"x"}]}"#, r#"{"s":"x"}"#, true),
            ],
        );
    }
}

/// Amazon EventBridge user guide, "Anything-but matching"; what happens with other kinds of values is recorded.
#[test]
fn anything_but() {
    check_all(&[
        (r#"{"x":[{"anything-but":"initializing"}]}"#, r#"{"x":"running"}"#, true),
        (r#"{"x":[{"anything-but":"initializing"}]}"#, r#"{"x":null}"#, true),
        (r#"{"x":[{"anything-but":"initializing"}]}"#, r#"{}"#, false),
        (r#"{"x":[{"anything-but":123}]}"#, r#"{"x":123.0}"#, false),
        (r#"{"x":[{"anything-but":123}]}"#, r#"{"x":"123"}"#, true),
        (r#"{"x":[{"anything-but":[100,200]}]}"#, r#"{"x":200}"#, false),
        (r#"{"x":[{"anything-but":[100,200]}]}"#, r#"{"x":201}"#, true),
        (r#"{"x":[{"anything-but":{"prefix":"init"}}]}"#, r#"{"x":"initial"}"#, false),
        (r#"{"x":[{"anything-but":{"prefix":"init"}}]}"#, r#"{"x":12}"#, true),
        (r#"{"x":[{"anything-but":{"prefix":["a","b"]}}]}"#, r#"{"x":"bc"}"#, false),
        (r#"{"x":[{"anything-but":{"wildcard":"*/lib/*"}}]}"#, r#"{"x":"/usr/lib/a"}"#, false),
        (r#"{"x":[{"anything-but":{"wildcard":["*/lib/*","*/bin/*"]}}]}"#, r#"{"x":"/etc/a"}"#, true),
        (r#"{"x":[{"anything-but":{"wildcard":""}}]}"#, r#"{"x":"dir/init/file"}"#, true),
        // An element that is something else is enough.
        (r#"{"x":[{"anything-but":["rugby","tennis"]}]}"#, r#"{"x":["rugby","baseball"]}"#, true),
        (r#"{"x":[{"anything-but":["rugby","tennis"]}]}"#, r#"{"x":["rugby","tennis"]}"#, false),
    ]);
}

/// event-ruler, README, "Numeric matching": -5.0e9 to 5.0e9, six digits after the point. Numbers are equal by value
/// (recorded, against the user guide's "300, 300.0, and 3.0e2 are not considered equal"); larger ones, such as account
/// numbers, as written.
#[test]
fn numbers() {
    check_all(&[
        (r#"{"n":[300]}"#, r#"{"n":300.0}"#, true),
        (r#"{"n":[300]}"#, r#"{"n":3.0e2}"#, true),
        (r#"{"n":[300]}"#, r#"{"n":"300"}"#, false),
        (r#"{"n":["5"]}"#, r#"{"n":5}"#, false),
        (r#"{"n":[123456789012]}"#, r#"{"n":123456789012}"#, true),
        (r#"{"n":[123456789012]}"#, r#"{"n":123456789013}"#, false),
        (r#"{"n":[{"numeric":["=",3.018e2]}]}"#, r#"{"n":301.8}"#, true),
        (r#"{"n":[{"numeric":["<",0]}]}"#, r#"{"n":-0.000001}"#, true),
        (r#"{"n":[{"numeric":["<",0]}]}"#, r#"{"n":-0.0000001}"#, false),
        (r#"{"n":[{"numeric":[">=",-5000000000,"<",5000000000]}]}"#, r#"{"n":-5e9}"#, true),
        (r#"{"n":[{"numeric":[">",0]}]}"#, r#"{"n":5000000001}"#, false),
        (r#"{"n":[{"numeric":[">",0]}]}"#, r#"{"n":"1"}"#, false),
        (r#"{"n":[{"numeric":["=",0]}]}"#, r#"{"n":null}"#, false),
        (r#"{"n":[{"numeric":[">",100]},{"anything-but":"101"}]}"#, r#"{"n":"42"}"#, true),
    ]);
}

/// Amazon EventBridge user guide, "IP address matching"; event-ruler, `CIDR.java`.
#[test]
fn addresses() {
    check_all(&[
        (r#"{"ip":[{"cidr":"10.0.0.0/24"}]}"#, r#"{"ip":"10.0.0.255"}"#, true),
        (r#"{"ip":[{"cidr":"10.0.0.0/24"}]}"#, r#"{"ip":"10.0.1.0"}"#, false),
        (r#"{"ip":[{"cidr":"0.0.0.0/0"}]}"#, r#"{"ip":"255.1.2.3"}"#, true),
        (r#"{"ip":[{"cidr":"0.0.0.0/0"}]}"#, r#"{"ip":"::1"}"#, false),
        (r#"{"ip":[{"cidr":"2001:db8:1234:1a00::/64"}]}"#, r#"{"ip":"2001:0db8:1234:1a00:0:0:0:1"}"#, true),
        (r#"{"ip":[{"cidr":"2001:db8:1234:1a00::/64"}]}"#, r#"{"ip":"2001:db8:123:1a01::"}"#, false),
        (r#"{"ip":[{"cidr":"10.0.0.0/24"}]}"#, r#"{"ip":"not an address"}"#, false),
        (r#"{"ip":[{"cidr":"10.0.0.0/24"}]}"#, r#"{"ip":10}"#, false),
        // The same address, written otherwise.
        (r#"{"ip":["2001:db8::1"]}"#, r#"{"ip":"2001:0DB8:0:0:0:0:0:1"}"#, true),
    ]);
}

/// Amazon EventBridge user guide, "Matching using wildcards".
#[test]
fn wildcards() {
    check_all(&[
        (r#"{"f":[{"wildcard":"dir/*.png"}]}"#, r#"{"f":"dir/sub/a.png"}"#, true),
        (r#"{"f":[{"wildcard":"dir/*.png"}]}"#, r#"{"f":"dir/.png"}"#, true),
        (r#"{"f":[{"wildcard":"dir/*.png"}]}"#, r#"{"f":"dir/a.gif"}"#, false),
        (r#"{"f":[{"wildcard":"a*a"}]}"#, r#"{"f":"a"}"#, false),
        (r#"{"f":[{"wildcard":"a*b*c"}]}"#, r#"{"f":"a-bb-cc"}"#, true),
        (r#"{"f":[{"wildcard":"*"}]}"#, r#"{"f":""}"#, true),
        (r#"{"f":[{"wildcard":"plain"}]}"#, r#"{"f":"plain"}"#, true),
        (r#"{"f":[{"wildcard":"plain"}]}"#, r#"{"f":"plainer"}"#, false),
        (r#"{"f":[{"wildcard":"\\**"}]}"#, r#"{"f":"*x"}"#, true),
        (r#"{"f":[{"wildcard":"\\**"}]}"#, r#"{"f":"xx"}"#, false),
        (r#"{"f":[{"wildcard":"a\\\\*"}]}"#, r#"{"f":"a\\b"}"#, true),
        (
            r#"{"f":[{"wildcard":"/Users/*/dir/dir/dir/doc.txt"}]}"#,
            r#"{"f":"/Users/x/dir/dir/dir/dir/doc.txt"}"#,
            true,
        ),
        (r#"{"f":[{"wildcard":"é*ü"}]}"#, r#"{"f":"é漢ü"}"#, true),
        (r#"{"f":[{"wildcard":"*"}]}"#, r#"{"f":1}"#, false),
    ]);
}

/// Amazon EventBridge user guide, "Exists matching" ("only works on leaf nodes") and "Arrays in event patterns";
/// empty arrays have no leaf (recorded).
#[test]
fn what_exists() {
    check_all(&[
        (r#"{"a":[{"exists":true}]}"#, r#"{"a":[]}"#, false),
        (r#"{"a":[{"exists":false}]}"#, r#"{"a":[]}"#, true),
        (r#"{"a":[{"exists":true}]}"#, r#"{"a":{"b":1}}"#, false),
        (r#"{"a":[{"exists":false}]}"#, r#"{"a":{"b":1}}"#, true),
        (r#"{"a":[{"exists":true}]}"#, r#"{"a":[[1]]}"#, true),
        (r#"{"a":{"b":[{"exists":false}]}}"#, r#"{}"#, true),
        (r#"{"a":{"b":[{"exists":false}]}}"#, r#"{"a":{"c":1}}"#, true),
        (r#"{"a":{"b":[{"exists":false},"x"]}}"#, r#"{"a":{"b":"x"}}"#, true),
        (r#"{"a":{"b":[{"anything-but":["x"]},{"exists":false}]}}"#, r#"{"a":{"c":1}}"#, true),
        // What is to be absent must be so in every element, unless another field chooses the element.
        (r#"{"a":{"b":[{"exists":false}]}}"#, r#"{"a":[{"b":1},{"c":2}]}"#, false),
        (r#"{"a":{"b":[1],"c":[{"exists":false}]}}"#, r#"{"a":[{"b":1},{"c":2}]}"#, true),
        (r#"{"a":{"b":[1],"c":[{"exists":false}]}}"#, r#"{"a":[{"b":1,"c":1},{"c":2}]}"#, false),
    ]);
}

/// event-ruler, README, "JSON Array Matching"; the bodies of S3 events are recorded.
#[test]
fn arrays() {
    let employees = r#"{"employees":[{"firstName":"John","lastName":"Doe"},{"firstName":"Anna","lastName":"Smith"},
        {"firstName":"Peter","lastName":"Jones"}]}"#;
    let nested = r#"{"employees":[[{"firstName":"John","lastName":"Doe"},{"firstName":"Anna","lastName":"Smith"}],
        [{"firstName":"Peter","lastName":"Jones"}]]}"#;
    let s3 = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":[[{"key":"auto-1.xml"}]]}},
        {"eventName":"ObjectRemoved:Delete","s3":{"object":{"key":"home-1.xml"}}}]}"#;
    let created_auto = r#"{"Records":{"s3":{"object":{"key":[{"prefix":"auto-"}]}},"eventName":[{"prefix":"ObjectCreated:"}]}}"#;
    let removed_auto = r#"{"Records":{"s3":{"object":{"key":[{"prefix":"auto-"}]}},"eventName":[{"prefix":"ObjectRemoved:"}]}}"#;
    check_all(&[
        (r#"{"to":["queue1"]}"#, r#"{"to":["queue2","queue1"]}"#, true),
        (r#"{"to":["queue1"]}"#, r#"{"to":["queue2"]}"#, false),
        (r#"{"employees":{"firstName":["Anna"]}}"#, employees, true),
        (r#"{"employees":{"firstName":["Anna"],"lastName":["Smith"]}}"#, employees, true),
        (r#"{"employees":{"firstName":["Anna"],"lastName":["Jones"]}}"#, employees, false),
        (r#"{"employees":{"firstName":["Anna"]}}"#, nested, true),
        (r#"{"employees":{"firstName":["Anna"],"lastName":["Jones"]}}"#, nested, false),
        (created_auto, s3, true),
        (removed_auto, s3, false),
    ]);
}

/// Amazon EventBridge user guide, "Using `$or`"; event-ruler, README, "And and Or With Ruler".
#[test]
fn or() {
    let rule = r#"{"$or":[{"metricName":["CPUUtilization","ReadLatency"]},{"namespace":["AWS/EC2","AWS/ES"]}],
        "detail":{"scope":["Service"],"$or":[{"source":["aws.cloudwatch"]},{"type":["Alarm"]}]}}"#;
    let same_element = r#"{"$or":[{"a":{"b":[1]}},{"a":{"b":[2]}}],"a":{"c":[3]}}"#;
    check_all(&[
        (
            rule,
            r#"{"metricName":"CPUUtilization","detail":{"scope":"aws.cloudwatch","type":"Alarm"}}"#,
            false,
        ),
        (
            rule,
            r#"{"metricName":"CPUUtilization","detail":{"scope":"Service","type":"CPUUtilization"}}"#,
            false,
        ),
        (rule, r#"{"metricName":"CPUUtilization","detail":{"scope":"Service"}}"#, false),
        (
            rule,
            r#"{"metricName":"CPUUtilization","detail":{"scope":"Service","source":"aws.cloudwatch"}}"#,
            true,
        ),
        (rule, r#"{"namespace":"AWS/ES","detail":{"scope":"Service","type":"Alarm"}}"#, true),
        (same_element, r#"{"a":[{"b":2,"c":3}]}"#, true),
        (same_element, r#"{"a":[{"b":2},{"c":3}]}"#, false),
        // An ordinary field: no array, fewer than two objects, or names of operators inside.
        (r#"{"$or":{"a":["x"]}}"#, r#"{"$or":{"a":"x"}}"#, true),
        (r#"{"$or":["x"]}"#, r#"{"$or":"x"}"#, true),
        (r#"{"$or":[{"prefix":"a"},{"suffix":"b"}]}"#, r#"{"$or":"ab"}"#, true),
    ]);
}

/// event-ruler, README, "JSON keys with dots"; the same is recorded for SNS's message bodies.
#[test]
fn names_with_dots() {
    check_all(&[
        (r#"{"a.b.c":["x"]}"#, r#"{"a":{"b":{"c":"x"}}}"#, true),
        (r#"{"a.b.c":["x"]}"#, r#"{"a.b.c":"x"}"#, true),
        (r#"{"a.b.c":["x"]}"#, r#"{"a.b":{"c":"x"}}"#, true),
        (r#"{"a.b.c":["x"]}"#, r#"{"a":{"b.c":"x"}}"#, true),
        (r#"{"a":{"b":{"c":["x"]}}}"#, r#"{"a.b":{"c":"x"}}"#, true),
        (r#"{"a":{"b":["x"],"c":["y"]}}"#, r#"{"a.b":"x","a":{"c":"y"}}"#, true),
        (r#"{"a":{"b":[{"exists":false}]}}"#, r#"{"a.b":1}"#, false),
    ]);
}

#[test]
fn only_objects_match() {
    check_all(&[
        (r#"{"a":[{"exists":false}]}"#, "[]", false),
        (r#"{"a":[{"exists":false}]}"#, "1", false),
        (r#"{"a":[{"exists":false}]}"#, "null", false),
    ]);
}
