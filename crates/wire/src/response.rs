//! Answers, in the protocol of the request.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use ids::RequestId;

use crate::cbor::{CborWriter, Epoch};
use crate::encode::{Writer, write_members, write_struct, write_value};
use crate::event_stream::{error_frame, event_frame, initial_frame};
use crate::http_binding::write_bound;
use crate::json::JsonWriter;
use crate::xml::XmlWriter;
use crate::{
    At, Document, Error, EventStream, Frame, Modelled, Mut, OperationSchema, Protocol, Ref, Reply, Schema,
    ServiceSchema, Struct, Target,
};

/// An answer.
pub type Response = http::Response<Body>;

/// The body of an answer.
pub enum Body {
    /// All of it.
    Full(Bytes),
    /// Parts, as they come.
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send + Sync>>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

const AWS_JSON_10: &str = "application/x-amz-json-1.0";
const AWS_JSON_11: &str = "application/x-amz-json-1.1";
const JSON: &str = "application/json";
const CBOR: &str = "application/cbor";
const AWS_CBOR_11: &str = "application/x-amz-cbor-1.1";
const XML: &str = "text/xml";
const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";
const OCTETS: &str = "application/octet-stream";

/// The answer to a request that was fulfilled.
#[must_use]
pub fn respond(
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    protocol: Protocol,
    request_id: RequestId,
    reply: Reply,
) -> Response {
    let mut headers = HeaderMap::new();
    let mut status = operation.status;
    let rest = matches!(protocol, Protocol::RestJson1 | Protocol::RestXml);
    let body = match reply {
        None => empty_body(service, operation, protocol, request_id, &mut headers),
        Some(mut output) => {
            if rest {
                status = write_bound(&*output, &mut headers).unwrap_or(status);
            }
            let stream = output.schema().event_stream();
            let initial = stream.filter(|_| !rest).map(|_| initial_frame(&*output, protocol));
            match stream.map(|(index, member)| (output.field_mut(index), member.target)) {
                Some((Mut::EventStream(events), Target::EventStream(union))) => {
                    // The answer itself is an event stream; what it carries is told beside it, as on AWS.
                    if let Some(carried) =
                        headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM))
                    {
                        headers.insert("x-amzn-remapped-content-type", carried);
                    }
                    stream_body(std::mem::take(events), union, protocol, initial)
                }
                _ => full_body(service, operation, protocol, request_id, &*output, &mut headers),
            }
        }
    };
    finish(status, headers, protocol, request_id, body)
}

fn finish(
    status: u16,
    mut headers: HeaderMap,
    protocol: Protocol,
    request_id: RequestId,
    body: Body,
) -> Response {
    if let Ok(id) = HeaderValue::from_str(&request_id.to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    if protocol == Protocol::RpcV2Cbor {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

/// RPC protocols begin a stream with what else the answer has (Smithy, "Amazon Event Stream specification").
fn stream_body(
    events: EventStream,
    union: &'static Schema,
    protocol: Protocol,
    initial: Option<Frame>,
) -> Body {
    let events = events.filter_map(move |event| {
        let frame = match event {
            Ok(event) => event_frame(&*event, protocol),
            Err(error) => Some(error_frame(&error, union, protocol)),
        };
        std::future::ready(frame)
    });
    Body::Stream(Box::pin(futures::stream::iter(initial).chain(events).map(|frame| frame.encode())))
}

pub(crate) fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::AwsJson10 => AWS_JSON_10,
        Protocol::AwsJson11 => AWS_JSON_11,
        Protocol::RestJson1 => JSON,
        Protocol::RpcV2Cbor => CBOR,
        Protocol::AwsCbor11 => AWS_CBOR_11,
        Protocol::AwsQuery => XML,
        Protocol::RestXml => "application/xml",
    }
}

fn set_type(headers: &mut HeaderMap, text: &'static str) {
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(text));
}

fn empty_body(
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    protocol: Protocol,
    request_id: RequestId,
    headers: &mut HeaderMap,
) -> Body {
    match protocol {
        Protocol::AwsQuery => {
            set_type(headers, XML);
            Body::Full(query_response(service, operation, request_id, None))
        }
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::AwsCbor11 => {
            set_type(headers, content_type(protocol));
            Body::Full(Bytes::new())
        }
        Protocol::RpcV2Cbor | Protocol::RestJson1 | Protocol::RestXml => Body::Full(Bytes::new()),
    }
}

fn full_body(
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    protocol: Protocol,
    request_id: RequestId,
    output: &dyn Struct,
    headers: &mut HeaderMap,
) -> Body {
    let rest = matches!(protocol, Protocol::RestJson1 | Protocol::RestXml);
    if let Some((index, member)) = output.schema().payload().filter(|_| rest) {
        return Body::Full(payload_body(protocol, member.wire, member.target, &output.field(index), headers));
    }
    let keep: fn(At) -> bool = if rest { |at| at == At::Body } else { |_| true };
    set_type(headers, content_type(protocol));
    Body::Full(match protocol {
        Protocol::AwsQuery => query_response(service, operation, request_id, Some(output)),
        Protocol::RpcV2Cbor | Protocol::AwsCbor11 => {
            let mut writer = CborWriter::new(Epoch::of(protocol));
            write_struct(&mut writer, output, keep);
            writer.finish()
        }
        Protocol::RestXml => {
            let mut writer = XmlWriter::new(output.schema().name);
            writer.open(output.schema().name, service.xml_namespace);
            write_members(&mut writer, output, keep);
            writer.close(output.schema().name);
            writer.finish()
        }
        Protocol::RestJson1 if !output.schema().members.iter().any(|member| keep(member.at)) => Bytes::new(),
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson1 => {
            let mut writer = JsonWriter::new();
            write_struct(&mut writer, output, keep);
            writer.finish()
        }
    })
}

fn payload_body(
    protocol: Protocol,
    name: &'static str,
    target: &'static crate::Target,
    value: &Ref<'_>,
    headers: &mut HeaderMap,
) -> Bytes {
    match value {
        Ref::Absent | Ref::EventStream => Bytes::new(),
        Ref::Blob(bytes) => {
            set_type(headers, OCTETS);
            (*bytes).clone()
        }
        Ref::String(text) => {
            set_type(headers, "text/plain");
            Bytes::copy_from_slice(text.as_bytes())
        }
        value if protocol == Protocol::RestXml => {
            set_type(headers, content_type(protocol));
            let mut writer = XmlWriter::new(name);
            write_value(&mut writer, target, value);
            writer.finish()
        }
        value => {
            set_type(headers, JSON);
            let mut writer = JsonWriter::new();
            write_value(&mut writer, target, value);
            writer.finish()
        }
    }
}

fn query_response(
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    request_id: RequestId,
    output: Option<&dyn Struct>,
) -> Bytes {
    let mut writer = XmlWriter::of_query();
    let root = format!("{}Response", operation.name);
    writer.open(&root, service.xml_namespace);
    if let Some(output) = output {
        let result = format!("{}Result", operation.name);
        writer.open(&result, None);
        write_members(&mut writer, output, |_| true);
        writer.close(&result);
    }
    writer.open("ResponseMetadata", None);
    writer.element("RequestId", &request_id.to_string());
    writer.close("ResponseMetadata");
    writer.close(&root);
    writer.finish()
}

/// The answer to a request that was not fulfilled. Without a service the error is written for `protocol` alone.
#[must_use]
pub fn respond_error(
    service: Option<&'static ServiceSchema>,
    protocol: Protocol,
    request_id: RequestId,
    error: &Error,
) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(protocol)));
    if let Error::Modelled(Modelled(shape)) = error
        && protocol == Protocol::RestJson1
    {
        let _status_is_the_traits = write_bound(&**shape, &mut headers);
    }
    if matches!(protocol, Protocol::RestJson1 | Protocol::AwsCbor11)
        && let Ok(code) = HeaderValue::from_str(error.code())
    {
        headers.insert("x-amzn-errortype", code);
    }
    if service.is_some_and(|service| service.query_compatible) {
        let fault = if error.sender() { "Sender" } else { "Receiver" };
        if let Ok(value) = HeaderValue::from_str(&format!("{};{fault}", error.code())) {
            headers.insert("x-amzn-query-error", value);
        }
    }
    let body = match protocol {
        Protocol::AwsQuery => xml_error(service, request_id, error, true),
        Protocol::RestXml => xml_error(service, request_id, error, false),
        Protocol::RpcV2Cbor | Protocol::AwsCbor11 => {
            let mut writer = CborWriter::new(Epoch::of(protocol));
            writer.begin_struct();
            writer.string("__type");
            writer.string(&error_type(service, protocol, error));
            error_members(&mut writer, error);
            writer.end_struct();
            writer.finish()
        }
        Protocol::RestJson1 => json_error(None, error),
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            json_error(Some(error_type(service, protocol, error)), error)
        }
    };
    // awsQuery and REST have statuses of their own; awsJson knows 400 and 500 unless the model says otherwise.
    finish(error.status(), headers, protocol, request_id, Body::Full(body))
}

/// awsJson 1.0 and rpcv2Cbor write the whole shape id, awsJson 1.1 the bare name, in JSON and in CBOR.
fn error_type(service: Option<&'static ServiceSchema>, protocol: Protocol, error: &Error) -> String {
    match (service, protocol, error) {
        (Some(service), Protocol::AwsJson10 | Protocol::RpcV2Cbor, Error::Modelled(_)) => {
            format!("com.amazonaws.{}#{}", service.name, error.shape_name())
        }
        (_, Protocol::AwsJson10 | Protocol::RpcV2Cbor, Error::Common(_)) => {
            format!("com.amazon.coral.service#{}", error.shape_name())
        }
        _ => error.shape_name().to_owned(),
    }
}

fn json_error(error_type: Option<String>, error: &Error) -> Bytes {
    let mut document = serde_json::Map::new();
    if let Some(error_type) = error_type {
        document.insert("__type".to_owned(), Document::String(error_type));
    }
    match error {
        Error::Common(common) => {
            if !common.message.is_empty() {
                document.insert("message".to_owned(), Document::String(common.message.clone()));
            }
        }
        Error::Modelled(Modelled(shape)) => {
            let mut writer = JsonWriter::new();
            write_struct(&mut writer, &**shape, |at| at == At::Body);
            if let Ok(members) = serde_json::from_slice::<serde_json::Map<_, _>>(&writer.finish()) {
                document.extend(members);
            }
        }
    }
    Bytes::from(Document::Object(document).to_string())
}

fn error_members<W: Writer>(writer: &mut W, error: &Error) {
    match error {
        Error::Modelled(Modelled(shape)) => write_members(writer, &**shape, |_| true),
        Error::Common(common) => {
            writer.key("message");
            writer.string(&common.message);
        }
    }
}

fn xml_error(
    service: Option<&'static ServiceSchema>,
    request_id: RequestId,
    error: &Error,
    with_type: bool,
) -> Bytes {
    let mut writer = XmlWriter::new("");
    writer.open("ErrorResponse", service.and_then(|service| service.xml_namespace));
    writer.open("Error", None);
    if with_type {
        writer.element("Type", if error.sender() { "Sender" } else { "Receiver" });
    }
    writer.element("Code", error.code());
    let words = error.query_message().filter(|_| with_type).or(error.message());
    writer.element("Message", words.unwrap_or_default());
    writer.close("Error");
    writer.element("RequestId", &request_id.to_string());
    writer.close("ErrorResponse");
    writer.finish()
}
