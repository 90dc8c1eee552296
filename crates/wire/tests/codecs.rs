//! Every protocol reads and writes the same structure; what is wrong is said in AWS's words.

use std::collections::BTreeMap;

use http::Request as HttpRequest;
use ids::RequestId;
use wire::{
    At, Body, Bytes, Error, ErrorTrait, Length, ListShape, MapShape, Member, OperationSchema, Pattern,
    Protocol, Range, Request, Schema, Segment, ServiceSchema, StringShape, Struct, Target, Timestamp,
    reflect, respond, respond_error,
};

wire::enumeration! { Colour { Red = "red", DarkBlue = "dark-blue" } }

#[derive(Debug, Clone, Default, PartialEq)]
struct Everything {
    name: String,
    count: Option<i32>,
    size: Option<i64>,
    share: Option<f64>,
    on: Option<bool>,
    data: Option<Bytes>,
    at: Option<Timestamp>,
    colour: Option<Colour>,
    tags: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
    inner: Option<Box<Everything>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Flat {
    entries: Option<Vec<Entry>>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Entry {
    id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Missing {
    message: Option<String>,
}

static PATTERN: Pattern = Pattern::new("[a-z]+", "[a-z]+");
static TEXT: Target =
    Target::String(&StringShape { length: Length::ANY, pattern: None, values: &[], sensitive: false });
static NAME: Target = Target::String(&StringShape {
    length: Length { min: Some(1), max: Some(5) },
    pattern: Some(&PATTERN),
    values: &[],
    sensitive: false,
});
static COLOUR: Target = Target::String(&StringShape {
    length: Length::ANY,
    pattern: None,
    values: Colour::VALUES,
    sensitive: false,
});
static COUNT: Target = Target::Integer(Range { min: Some(1), max: Some(10) });
static SIZE: Target = Target::Long(Range { min: None, max: None });
static SHARE: Target = Target::Double(Range { min: None, max: None });
static ON: Target = Target::Boolean;
static DATA: Target = Target::Blob(Length::ANY);
static AT: Target = Target::Timestamp(None);
static TAGS: Target = Target::List(&ListShape {
    member: &NAME,
    member_name: "member",
    flattened: false,
    length: Length { min: None, max: Some(2) },
});
static LABELS: Target = Target::Map(&MapShape {
    key: &NAME,
    value: &TEXT,
    entry_name: "entry",
    key_name: "key",
    value_name: "value",
    flattened: false,
    length: Length::ANY,
});
static INNER: Target = Target::Struct(&EVERYTHING);
static EVERYTHING: Schema = Schema {
    name: "Everything",
    members: &[
        Member { name: "Name", wire: "Name", at: At::Body, required: true, target: &NAME },
        Member { name: "Count", wire: "Count", at: At::Body, required: false, target: &COUNT },
        Member { name: "Size", wire: "Size", at: At::Body, required: false, target: &SIZE },
        Member { name: "Share", wire: "Share", at: At::Body, required: false, target: &SHARE },
        Member { name: "On", wire: "On", at: At::Body, required: false, target: &ON },
        Member { name: "Data", wire: "Data", at: At::Body, required: false, target: &DATA },
        Member { name: "At", wire: "At", at: At::Body, required: false, target: &AT },
        Member { name: "Colour", wire: "Colour", at: At::Body, required: false, target: &COLOUR },
        Member { name: "Tags", wire: "Tags", at: At::Body, required: false, target: &TAGS },
        Member { name: "Labels", wire: "Labels", at: At::Body, required: false, target: &LABELS },
        Member { name: "Inner", wire: "Inner", at: At::Body, required: false, target: &INNER },
    ],
    union: false,
    error: None,
};
static ENTRY: Schema = Schema {
    name: "Entry",
    members: &[Member { name: "Id", wire: "Id", at: At::Body, required: false, target: &TEXT }],
    union: false,
    error: None,
};
static ENTRIES: Target = Target::List(&ListShape {
    member: &Target::Struct(&ENTRY),
    member_name: "Entry",
    flattened: true,
    length: Length::ANY,
});
static FLAT_TAGS: Target = Target::Map(&MapShape {
    key: &TEXT,
    value: &TEXT,
    entry_name: "Tag",
    key_name: "Key",
    value_name: "Value",
    flattened: true,
    length: Length::ANY,
});
static FLAT: Schema = Schema {
    name: "Flat",
    members: &[
        Member { name: "Entries", wire: "Entries", at: At::Body, required: false, target: &ENTRIES },
        Member { name: "Tags", wire: "Tags", at: At::Body, required: false, target: &FLAT_TAGS },
    ],
    union: false,
    error: None,
};
static MISSING: Schema = Schema {
    name: "MissingException",
    members: &[Member { name: "Message", wire: "Message", at: At::Body, required: false, target: &TEXT }],
    union: false,
    error: Some(ErrorTrait { code: "Missing", status: 404, sender: true, query_message: Some("not here") }),
};

reflect!(Everything, EVERYTHING, { 0 => name, 1 => count, 2 => size, 3 => share, 4 => on, 5 => data, 6 => at, 7 => colour, 8 => tags, 9 => labels, 10 => inner });
reflect!(Missing, MISSING, { 0 => message });
reflect!(Flat, FLAT, { 0 => entries, 1 => tags });
reflect!(Entry, ENTRY, { 0 => id });

static SERVICE: ServiceSchema = ServiceSchema {
    name: "test",
    title: "Test",
    shape_name: "Test",
    signing_name: "test",
    target_prefix: Some("Test"),
    api_version: "2020-01-01",
    protocols: &[Protocol::AwsJson10],
    xml_namespace: Some("https://test/"),
    validation_code: "ValidationException",
    query_compatible: false,
    operations: &[],
};
static OPERATION: OperationSchema = OperationSchema {
    name: "Echo",
    method: "POST",
    path: &[Segment::Literal("")],
    path_query: &[],
    status: 200,
    input: Some(&EVERYTHING),
    output: Some(&EVERYTHING),
    errors: &[],
    implemented: true,
    unsigned: false,
};

fn request(protocol: Protocol, body: impl Into<Bytes>) -> Request {
    let (parts, ()) = HttpRequest::new(()).into_parts();
    Request {
        service: &SERVICE,
        operation: &OPERATION,
        protocol,
        parts,
        labels: Vec::new(),
        body: body.into(),
    }
}

fn decode(protocol: Protocol, body: impl Into<Bytes>) -> Result<Everything, Error> {
    let mut into = Everything::default();
    request(protocol, body).decode(&mut into).map(|()| into)
}

fn encode(protocol: Protocol, value: impl Struct + 'static) -> Bytes {
    let id = RequestId::from_random(1);
    match respond(&SERVICE, &OPERATION, protocol, id, Some(Box::new(value))).into_body() {
        Body::Full(bytes) => bytes,
        Body::Stream(_) => panic!("no stream was given"),
    }
}

fn sample() -> Everything {
    Everything {
        name: "abc".to_owned(),
        count: Some(7),
        size: Some(-5_000_000_000),
        share: Some(0.25),
        on: Some(true),
        data: Some(Bytes::from_static(b"\0\xff")),
        at: Some(Timestamp::from_millis(1_706_688_309_000)),
        colour: Some(Colour::DarkBlue),
        tags: Some(vec!["x".to_owned(), "y".to_owned()]),
        labels: Some(BTreeMap::from([("k".to_owned(), "<&\"é\n".to_owned())])),
        inner: Some(Box::new(Everything { name: "deep".to_owned(), ..Everything::default() })),
    }
}

#[test]
fn json_cbor_and_xml_read_back_what_they_write() {
    for protocol in [
        Protocol::AwsJson10,
        Protocol::AwsJson11,
        Protocol::RestJson1,
        Protocol::RpcV2Cbor,
        Protocol::AwsCbor11,
        Protocol::RestXml,
    ] {
        let bytes = encode(protocol, sample());
        assert_eq!(decode(protocol, bytes).expect("decodes"), sample(), "{protocol:?}");
    }
}

#[test]
fn json_looks_as_aws_writes_it() {
    let text = String::from_utf8(encode(Protocol::AwsJson10, sample()).to_vec()).expect("UTF-8");
    assert!(text.starts_with(r#"{"Name":"abc","Count":7,"Size":-5000000000,"Share":0.25,"On":true,"Data":"AP8=","At":1706688309,"#), "{text}");
}

#[test]
fn query_parameters_make_a_structure() {
    let form = "Action=Echo&Version=1&Name=abc&Count=7&On=true&Data=AP8%3D&At=2024-01-31T08%3A05%3A09Z&Colour=dark-blue\
                &Tags.member.2=y&Tags.member.1=x&Labels.entry.1.key=k&Labels.entry.1.value=a+b&Inner.Name=deep";
    let value = decode(Protocol::AwsQuery, form).expect("decodes");
    assert_eq!(value.tags, Some(vec!["x".to_owned(), "y".to_owned()]));
    assert_eq!(value.labels, Some(BTreeMap::from([("k".to_owned(), "a b".to_owned())])));
    assert_eq!(value.at, sample().at);
    assert_eq!(value.inner.map(|inner| inner.name), Some("deep".to_owned()));
}

#[test]
fn query_calls_flattened_lists_and_maps_as_their_elements() {
    for form in [
        "Action=Echo&Entry.1.Id=a&Entry.2.Id=b&Tag.1.Key=k&Tag.1.Value=v",
        "Action=Echo&Entry.2.Id=b&Entry.1.Id=a&Tag.Key=k&Tag.Value=v",
    ] {
        let mut value = Flat::default();
        request(Protocol::AwsQuery, form).decode(&mut value).expect("decodes");
        let ids: Vec<&str> = value.entries.iter().flatten().filter_map(|entry| entry.id.as_deref()).collect();
        assert_eq!(ids, ["a", "b"], "{form}");
        assert_eq!(value.tags, Some(BTreeMap::from([("k".to_owned(), "v".to_owned())])), "{form}");
        let xml = String::from_utf8(encode(Protocol::AwsQuery, value.clone()).to_vec()).expect("UTF-8");
        let entries =
            "<Entry><Id>a</Id></Entry><Entry><Id>b</Id></Entry><Tag><Key>k</Key><Value>v</Value></Tag>";
        assert!(xml.contains(entries), "{xml}");
        let json = String::from_utf8(encode(Protocol::AwsJson10, value).to_vec()).expect("UTF-8");
        assert_eq!(json, r#"{"Entries":[{"Id":"a"},{"Id":"b"}],"Tags":{"k":"v"}}"#);
    }
}

#[test]
fn the_path_tells_what_the_body_leaves_out() {
    let name = |body: &'static str| {
        let mut request = request(Protocol::AwsJson10, body);
        request.labels.push(("Name", "label".to_owned()));
        let mut value = Everything::default();
        request.decode(&mut value).map(|()| value.name)
    };
    assert_eq!(name("{}").expect("decodes"), "label");
    assert_eq!(name("").expect("decodes"), "label");
    assert_eq!(name(r#"{"Name":"body"}"#).expect("decodes"), "body");
}

#[test]
fn query_answers_in_wrapped_xml() {
    let text = String::from_utf8(encode(Protocol::AwsQuery, sample()).to_vec()).expect("UTF-8");
    for part in [
        "<EchoResponse xmlns=\"https://test/\"><EchoResult><Name>abc</Name>",
        "<Tags><member>x</member><member>y</member></Tags>",
        "<Labels><entry><key>k</key><value>&lt;&amp;&quot;é\n</value></entry></Labels>",
        "</EchoResult><ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000001</RequestId>",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn broken_constraints_are_told_in_awss_words() {
    for (body, message) in [
        (
            "{}",
            "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
        ),
        (
            r#"{"Name":"ABC"}"#,
            "1 validation error detected: Value 'ABC' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
        ),
        (
            r#"{"Name":"abcdef"}"#,
            "1 validation error detected: Value 'abcdef' at 'name' failed to satisfy constraint: Member must have length less than or equal to 5",
        ),
        (
            r#"{"Name":"a","Count":11,"Colour":"pink"}"#,
            "2 validation errors detected: Value '11' at 'count' failed to satisfy constraint: Member must have value less than or equal to 10; \
             Value 'pink' at 'colour' failed to satisfy constraint: Member must satisfy enum value set: [red, dark-blue]",
        ),
        (
            r#"{"Name":"a","Tags":["x","Y"]}"#,
            "1 validation error detected: Value '[x, Y]' at 'tags' failed to satisfy constraint: Member must satisfy \
             constraint: [Member must have length less than or equal to 5, Member must have length greater than or equal \
             to 1, Member must satisfy regular expression pattern: [a-z]+, Member must not be null]",
        ),
        (
            r#"{"Name":"a","Tags":["x",null]}"#,
            "1 validation error detected: Value null at 'tags.2.member' failed to satisfy constraint: Member must not be null",
        ),
        (
            r#"{"Name":"a","Labels":{"a":"b","C":"d"}}"#,
            "1 validation error detected: Value '{C=d, a=b}' at 'labels' failed to satisfy constraint: Map keys must \
             satisfy constraint: [Member must have length less than or equal to 5, Member must have length greater than or \
             equal to 1, Member must satisfy regular expression pattern: [a-z]+, Member must not be null]",
        ),
        (
            r#"{"Name":"a","Inner":{"Count":1}}"#,
            "1 validation error detected: Value null at 'inner.name' failed to satisfy constraint: Member must not be null",
        ),
        (
            r#"{"Name":"a","Tags":["x","y","z"]}"#,
            "1 validation error detected: Value '[x, y, z]' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 2",
        ),
    ] {
        let error = decode(Protocol::AwsJson10, body).expect_err("is refused");
        assert_eq!((error.code(), error.status()), ("ValidationException", 400));
        assert_eq!(error.message(), Some(message));
    }
}

#[test]
fn wrong_types_and_malformed_bodies_are_serialization_errors() {
    for body in [
        r#"{"Name":7}"#,
        r#"{"Name":{}}"#,
        r#"{"Name":"a","Count":"seven"}"#,
        r#"{"Name":"a","Count":2.5}"#,
        r#"{"Name":"a","Data":"%"}"#,
        r#"{"Name":"a","Tags":{}}"#,
        r#"{"Name":"a"} trailing"#,
        r#"{"Name":"a""#,
        "[]",
        "null",
        "\"",
        "{\"Name\":\"\\ud800\"}",
        "{\"Name\":\"\u{1}\"}",
    ] {
        let error = decode(Protocol::AwsJson10, body).expect_err(body);
        assert_eq!((error.code(), error.status()), ("SerializationException", 400), "{body}");
    }
}

#[test]
fn unknown_members_are_passed_over_and_null_means_absent() {
    let body = r#"{"New":{"a":[1,{"b":null}]},"Name":"a","Count":null,"Other":"}"}"#;
    assert_eq!(
        decode(Protocol::AwsJson10, body).expect("decodes"),
        Everything { name: "a".to_owned(), ..Everything::default() }
    );
    // {"New": {1: [1, 2(h'00'), 1.5, (indefinite) {"b": null}]}, "Name": "a", "Count": undefined}
    let body =
        b"\xa3\x63New\xa1\x01\x9f\x01\xc2\x41\x00\xf9\x3e\x00\xbf\x61b\xf6\xff\xff\x64Name\x61a\x65Count\xf7";
    assert_eq!(
        decode(Protocol::AwsCbor11, &body[..]).expect("decodes"),
        Everything { name: "a".to_owned(), ..Everything::default() }
    );
}

#[test]
fn nesting_without_end_is_refused_by_every_codec() {
    let deep = 50_000;
    let json_known = format!("{}\"a\"", r#"{"Name":"a","Inner":"#.repeat(deep));
    let json_unknown = format!(r#"{{"New":{}"#, "[".repeat(deep));
    let cbor: Vec<u8> = [b"\xbf\x63New".to_vec(), vec![0x9f; deep]].concat();
    let cbor_tags: Vec<u8> = [b"\xbf\x63New".to_vec(), vec![0xc1; deep]].concat();
    let xml = "<a>".repeat(deep);
    let query = format!("{}=1", "a.".repeat(deep));
    for (protocol, body) in [
        (Protocol::AwsJson10, Bytes::from(json_known)),
        (Protocol::AwsJson10, Bytes::from(json_unknown)),
        (Protocol::AwsCbor11, Bytes::from(cbor.clone())),
        (Protocol::RpcV2Cbor, Bytes::from(cbor)),
        (Protocol::RpcV2Cbor, Bytes::from(cbor_tags)),
        (Protocol::RestXml, Bytes::from(xml)),
        (Protocol::AwsQuery, Bytes::from(query)),
    ] {
        assert!(decode(protocol, body).is_err());
    }
}

#[test]
fn cbor_reads_what_other_encoders_write() {
    // {"Name": (indefinite text) "a" "bc", "At": 1(1706688309), "Count": 7, "Share": half-precision 1.5}
    let body =
        b"\xa4\x64Name\x7f\x61a\x62bc\xff\x62At\xc1\x1a\x65\xb9\xfe\x75\x65Count\x07\x65Share\xf9\x3e\x00";
    let value = decode(Protocol::RpcV2Cbor, &body[..]).expect("decodes");
    assert_eq!((value.name.as_str(), value.count, value.share), ("abc", Some(7), Some(1.5)));
    assert_eq!(value.at.map(Timestamp::as_secs), Some(1_706_688_117));
}

/// {"Name": "abc", "At": 1(1706688309123), "Data": h'00ff'}, as the AWS SDK for Java writes it: Jackson's text and
/// integers, and timestamps of whole milliseconds under the tag of epoch seconds.
#[test]
fn older_cbor_has_milliseconds_in_its_timestamps() {
    let body = b"\xbf\x64Name\x63abc\x62At\xc1\x1b\x00\x00\x01\x8d\x5e\x8c\xe7\x83\x64Data\x42\x00\xff\xff";
    let value = decode(Protocol::AwsCbor11, &body[..]).expect("decodes");
    let at = Some(Timestamp::from_millis(1_706_688_309_123));
    assert_eq!((value.at, value.data.as_deref()), (at, Some(&b"\0\xff"[..])));
    assert_eq!(
        &encode(Protocol::AwsCbor11, Everything { at, name: "abc".to_owned(), ..Everything::default() })[..],
        b"\xbf\x64Name\x63abc\x62At\xc1\x1b\x00\x00\x01\x8d\x5e\x8c\xe7\x83\xff"
    );
}

#[derive(Debug, Default)]
struct Output {
    events: wire::EventStream,
}

#[derive(Debug, Default)]
struct Event {
    entry: Option<Entry>,
    missing: Option<Missing>,
}

static EVENT: Schema = Schema {
    name: "Event",
    members: &[
        Member {
            name: "Entry",
            wire: "Entry",
            at: At::Body,
            required: false,
            target: &Target::Struct(&ENTRY),
        },
        Member {
            name: "Gone",
            wire: "Gone",
            at: At::Body,
            required: false,
            target: &Target::Struct(&MISSING),
        },
    ],
    union: true,
    error: None,
};
static OUTPUT: Schema = Schema {
    name: "Output",
    members: &[Member {
        name: "Events",
        wire: "Events",
        at: At::Body,
        required: true,
        target: &Target::EventStream(&EVENT),
    }],
    union: false,
    error: None,
};
reflect!(Output, OUTPUT, { 0 => events });
reflect!(Event, EVENT, { 0 => entry, 1 => missing });

fn frames(protocol: Protocol) -> Vec<(Vec<String>, Bytes)> {
    use futures::{FutureExt, StreamExt};
    let event = Event { entry: Some(Entry { id: Some("a".to_owned()) }), missing: None };
    let broken = Error::Modelled(wire::Modelled(Box::new(Missing { message: Some("no".to_owned()) })));
    let items = [Ok(Box::new(event) as Box<dyn Struct>), Err(broken), Err(Error::internal())];
    let output = Output { events: wire::EventStream::new(futures::stream::iter(items)) };
    let id = RequestId::from_random(1);
    let response = respond(&SERVICE, &OPERATION, protocol, id, Some(Box::new(output)));
    assert_eq!(response.headers()["content-type"], "application/vnd.amazon.eventstream");
    let Body::Stream(stream) = response.into_body() else { panic!("not a stream") };
    let all: Vec<Bytes> = stream.collect().now_or_never().expect("all is there");
    all.into_iter()
        .map(|bytes| {
            let frame = wire::Frame::decode(&mut bytes::BytesMut::from(&bytes[..])).expect("a frame");
            let headers = frame.headers.into_iter().map(|(name, value)| match value {
                wire::HeaderValue::Text(text) => format!("{name}={text}"),
                other => panic!("{other:?}"),
            });
            (headers.collect(), frame.payload)
        })
        .collect()
}

#[test]
fn event_streams_of_rpc_protocols_begin_with_the_answer_and_end_with_exceptions() {
    let head = |kind: &str, name: &str, content: &str| {
        let name_of = if kind == "event" { "event-type" } else { "exception-type" };
        vec![
            format!(":message-type={kind}"),
            format!(":{name_of}={name}"),
            format!(":content-type={content}"),
        ]
    };
    for (protocol, content, payloads) in [
        (
            Protocol::AwsJson11,
            "application/x-amz-json-1.1",
            [&b"{}"[..], br#"{"Id":"a"}"#, br#"{"Message":"no"}"#],
        ),
        (
            Protocol::AwsCbor11,
            "application/x-amz-cbor-1.1",
            [b"\xbf\xff", b"\xbf\x62Id\x61a\xff", b"\xbf\x67Message\x62no\xff"],
        ),
    ] {
        let frames = frames(protocol);
        assert_eq!(frames[0], (head("event", "initial-response", content), payloads[0].into()));
        assert_eq!(frames[1], (head("event", "Entry", content), payloads[1].into()));
        assert_eq!(frames[2], (head("exception", "Gone", content), payloads[2].into()));
        assert_eq!(frames[3].0[..2], [":message-type=error", ":error-code=InternalFailure"]);
    }
    // REST has the rest of its answer in headers.
    assert_eq!(frames(Protocol::RestJson1)[0].0, head("event", "Entry", "application/json"));
}

#[test]
fn errors_are_written_in_each_protocols_form() {
    let error = || {
        Error::from(wire::CommonError {
            code: "Throttling".to_owned(),
            status: 400,
            sender: true,
            message: "Rate exceeded".to_owned(),
        })
    };
    let modelled = || Error::Modelled(wire::Modelled(Box::new(Missing { message: Some("no".to_owned()) })));
    let text = |protocol, error: &Error| {
        let response = respond_error(Some(&SERVICE), protocol, RequestId::from_random(1), error);
        let status = response.status().as_u16();
        let kind =
            response.headers().get("x-amzn-errortype").map(|value| value.to_str().expect("text").to_owned());
        match response.into_body() {
            Body::Full(bytes) => (status, kind, String::from_utf8_lossy(&bytes).into_owned()),
            Body::Stream(_) => panic!("an error is no stream"),
        }
    };
    assert_eq!(
        text(Protocol::AwsJson10, &modelled()),
        (404, None, r#"{"__type":"com.amazonaws.test#MissingException","Message":"no"}"#.to_owned())
    );
    assert_eq!(
        text(Protocol::RestJson1, &modelled()),
        (404, Some("Missing".to_owned()), r#"{"Message":"no"}"#.to_owned())
    );
    assert_eq!(
        text(Protocol::AwsCbor11, &modelled()),
        (404, Some("Missing".to_owned()), "\u{fffd}f__typepMissingExceptiongMessagebno\u{fffd}".to_owned())
    );
    assert_eq!(text(Protocol::AwsJson11, &error()).2, r#"{"__type":"Throttling","message":"Rate exceeded"}"#);
    assert!(
        text(Protocol::AwsQuery, &modelled())
            .2
            .contains("<Error><Type>Sender</Type><Code>Missing</Code><Message>not here</Message></Error>")
    );
}

mod never_panics {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn on_random_bytes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            for protocol in [
                Protocol::AwsJson10,
                Protocol::AwsQuery,
                Protocol::RestXml,
                Protocol::RpcV2Cbor,
                Protocol::AwsCbor11,
            ] {
                let _any_answer = decode(protocol, body.clone());
            }
        }

        /// Random bytes alone rarely begin with a map, or with a member that is known.
        #[test]
        fn on_cbor_that_breaks_off(cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            for protocol in [Protocol::RpcV2Cbor, Protocol::AwsCbor11] {
                let whole = encode(protocol, sample()).to_vec();
                let mut changed = whole.clone();
                changed[at.index(whole.len())] = byte;
                let _any_answer = decode(protocol, changed);
                prop_assert!(decode(protocol, whole[..cut.index(whole.len() - 1) + 1].to_vec()).is_err());
            }
        }

        #[test]
        fn on_json_like_text(body in "[\\[\\]{}\",:\\\\a-c0-9.eE+\\-tfn ]{0,60}") {
            let ours = decode(Protocol::AwsJson10, format!("{{\"Name\":\"a\",\"New\":{body}}}"));
            let theirs = serde_json::from_str::<serde_json::Value>(&format!("{{\"Name\":\"a\",\"New\":{body}}}"));
            // What the reference reads, ours reads too.
            prop_assert!(ours.is_ok() || theirs.is_err());
        }

        #[test]
        fn on_any_text_and_it_survives(text in "[a-z]{1,5}", label in "\\PC{0,20}") {
            let value = Everything {
                name: text,
                labels: Some(BTreeMap::from([("k".to_owned(), label)])),
                ..Everything::default()
            };
            for protocol in [Protocol::AwsJson10, Protocol::RpcV2Cbor, Protocol::AwsCbor11] {
                prop_assert_eq!(&decode(protocol, encode(protocol, value.clone())).expect("decodes"), &value);
            }
        }

        #[test]
        fn frames_survive_and_bad_ones_are_refused(payload in proptest::collection::vec(any::<u8>(), 0..100), flip in any::<prop::sample::Index>()) {
            let frame = wire::Frame::new(&[(":event-type", "x")], Bytes::from(payload));
            let bytes = frame.encode();
            let mut good = bytes::BytesMut::from(&bytes[..]);
            prop_assert_eq!(wire::Frame::decode(&mut good).expect("decodes"), frame);
            let mut bad = bytes::BytesMut::from(&bytes[..]);
            let at = flip.index(bad.len());
            bad[at] ^= 1;
            prop_assert!(wire::Frame::decode(&mut bad).is_err());
        }
    }
}
