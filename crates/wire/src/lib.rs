//! AWS's wire protocols over generated schemas.
//!
//! A generated type knows nothing of a protocol: it lends out its fields ([`Struct`]) and carries a [`Schema`].
//! Each protocol is one codec over schemas, written once: awsJson 1.0 and 1.1, awsQuery, restJson1, restXml,
//! rpcv2Cbor, Kinesis's older CBOR and the event-stream framing. Decoding and validation are one pass; what is wrong
//! with a request is said in AWS's words.
//!
//! The way of a request: the gateway picks a service and an operation and builds a [`Request`]; the generated
//! dispatch decodes it into a typed input; what the handler returns becomes a [`Response`] by [`respond`].

mod cbor;
mod client;
mod context;
mod decode;
mod encode;
mod error;
mod event_stream;
mod http_binding;
mod json;
mod pattern;
mod query;
mod reflect;
mod request;
mod response;
mod route;
mod schema;
mod service;
mod validate;
mod xml;

pub use bytes::Bytes;
pub use clock::Timestamp;
pub use serde_json::Value as Document;

pub use client::Client;
pub use context::{Caller, Context};
pub use decode::DecodeError;
pub use error::{CommonError, Error, Modelled};
pub use event_stream::{EventStream, Frame, FrameError, HeaderValue};
pub use pattern::Pattern;
pub use reflect::{Enumeration, Field, List, Map, Mut, Ref, Struct};
pub use request::{Request, query_action};
pub use response::{Body, Response, respond, respond_error};
pub use route::{Labels, RouteMatch, match_route};
pub use schema::{
    At, ErrorTrait, Length, ListShape, MapShape, Member, Range, Schema, StringShape, Target, TimestampFormat,
};
pub use service::{OperationSchema, Protocol, Reply, Segment, Service, ServiceSchema};
