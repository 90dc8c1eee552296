//! Services to send requests to.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth::{AccessKey, Authenticator, Defaults, Mode, SessionKeys, StaticKeys};
use bytes::Bytes;
use clock::{SystemClock, Timestamp, VirtualClock};
use futures::StreamExt;
use futures::future::BoxFuture;
use ids::{AccountId, IdSource, Region};
use tokio::sync::{mpsc, oneshot, watch};
use wire::{
    At, Client, Context, Error, EventStream, Length, Member, OperationSchema, Protocol, Reply, Request,
    Schema, Segment, Service, ServiceSchema, StringShape, Struct, Target,
};

use crate::pipeline::{Entrance, Pipeline};
use crate::{Config, Local, Origin, Reach, Side};

/// What every operation of the fakes answers: what it got.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    payload: Bytes,
    operation: String,
    account: String,
    region: String,
    name: Option<String>,
}

static BLOB: Target = Target::Blob(Length::ANY);
static TEXT: Target =
    Target::String(&StringShape { length: Length::ANY, pattern: None, values: &[], sensitive: false });

const fn member(name: &'static str, at: At, target: &'static Target) -> Member {
    Member { name, wire: name, at, required: false, target }
}

static ECHO: Schema = Schema {
    name: "Echo",
    members: &[
        member("Payload", At::Payload, &BLOB),
        member("X-Operation", At::Header, &TEXT),
        member("X-Account", At::Header, &TEXT),
        member("X-Region", At::Header, &TEXT),
        member("X-Name", At::Header, &TEXT),
    ],
    union: false,
    error: None,
};
wire::reflect!(Echo, ECHO, { 0 => payload, 1 => operation, 2 => account, 3 => region, 4 => name });

/// An answer that comes in parts.
#[derive(Debug, Default)]
struct Streamed {
    events: EventStream,
}
#[derive(Debug, Default)]
struct Event {
    chunk: Option<Chunk>,
}
#[derive(Debug, Default)]
struct Chunk {
    payload: Bytes,
}
static CHUNK: Schema = Schema {
    name: "Chunk",
    members: &[member("Payload", At::EventPayload, &BLOB)],
    union: false,
    error: None,
};
static CHUNK_TARGET: Target = Target::Struct(&CHUNK);
static EVENT: Schema = Schema {
    name: "Event",
    members: &[member("PayloadChunk", At::Body, &CHUNK_TARGET)],
    union: true,
    error: None,
};
static EVENTS: Target = Target::EventStream(&EVENT);
static STREAMED: Schema = Schema {
    name: "Streamed",
    members: &[member("EventStream", At::Payload, &EVENTS)],
    union: false,
    error: None,
};
wire::reflect!(Chunk, CHUNK, { 0 => payload });
wire::reflect!(Event, EVENT, { 0 => chunk });
wire::reflect!(Streamed, STREAMED, { 0 => events });

const fn rest(name: &'static str, method: &'static str, path: &'static [Segment]) -> OperationSchema {
    OperationSchema {
        name,
        method,
        path,
        path_query: &[],
        status: 200,
        input: None,
        output: Some(&ECHO),
        errors: &[],
        implemented: true,
        unsigned: false,
    }
}

const fn rpc(name: &'static str) -> OperationSchema {
    rest(name, "POST", &[])
}

const FUNCTIONS: Segment = Segment::Literal("functions");
const VERSION: Segment = Segment::Literal("2015-03-31");
const NAME: Segment = Segment::Label("FunctionName");

const fn service(
    name: &'static str,
    protocols: &'static [Protocol],
    operations: &'static [OperationSchema],
) -> ServiceSchema {
    ServiceSchema {
        name,
        title: name,
        shape_name: name,
        signing_name: name,
        target_prefix: None,
        api_version: "",
        protocols,
        xml_namespace: None,
        validation_code: "ValidationException",
        query_compatible: false,
        operations,
    }
}

static LAMBDA: ServiceSchema = service(
    "lambda",
    &[Protocol::RestJson1],
    &[
        rest("Invoke", "POST", &[VERSION, FUNCTIONS, NAME, Segment::Literal("invocations")]),
        rest("GetFunction", "GET", &[VERSION, FUNCTIONS, NAME]),
        OperationSchema {
            implemented: false,
            ..rest("DeleteFunction", "DELETE", &[VERSION, FUNCTIONS, NAME])
        },
        rest("Stream", "POST", &[VERSION, FUNCTIONS, NAME, Segment::Literal("stream")]),
        rest("Panic", "POST", &[Segment::Literal("panic")]),
        rest("Wait", "POST", &[Segment::Literal("wait")]),
        rest("Outlast", "POST", &[Segment::Literal("outlast")]),
    ],
);
const QUEUE_OPERATION: OperationSchema =
    OperationSchema { path: &[Segment::Greedy("QueueUrl")], ..rpc("SendMessage") };
static SQS: ServiceSchema = ServiceSchema {
    target_prefix: Some("AmazonSQS"),
    api_version: "2012-11-05",
    ..service("sqs", &[Protocol::AwsJson10, Protocol::AwsQuery], &[QUEUE_OPERATION])
};
static IAM: ServiceSchema =
    ServiceSchema { api_version: "2010-05-08", ..service("iam", &[Protocol::AwsQuery], &[rpc("GetRole")]) };
static CLOUDWATCH: ServiceSchema = ServiceSchema {
    shape_name: "GraniteServiceVersion20100801",
    signing_name: "monitoring",
    target_prefix: Some("GraniteServiceVersion20100801"),
    api_version: "2010-08-01",
    ..service(
        "cloudwatch",
        &[Protocol::RpcV2Cbor, Protocol::AwsJson10, Protocol::AwsQuery],
        &[rpc("ListMetrics")],
    )
};

static KINESIS: ServiceSchema = ServiceSchema {
    target_prefix: Some("Kinesis_20131202"),
    api_version: "2013-12-02",
    ..service("kinesis", &[Protocol::AwsJson11, Protocol::AwsCbor11], &[rpc("PutRecord")])
};

/// Answers every operation with what it got.
#[derive(Debug)]
pub(crate) struct Fake {
    schema: &'static ServiceSchema,
    /// What `Stream` sends.
    chunks: Mutex<Option<mpsc::Receiver<Bytes>>>,
    /// What `Wait` tells when it begins, and waits for.
    gate: Mutex<Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>>,
    /// Counts the clients that `Outlast` has seen go.
    pub(crate) gone: watch::Sender<u32>,
}

impl Fake {
    fn new(schema: &'static ServiceSchema) -> Self {
        Self { schema, chunks: Mutex::new(None), gate: Mutex::new(None), gone: watch::Sender::new(0) }
    }

    /// What is sent here comes out of `Stream`.
    pub(crate) fn chunks(&self) -> mpsc::Sender<Bytes> {
        let (sender, receiver) = mpsc::channel(4);
        *self.chunks.lock().unwrap() = Some(receiver);
        sender
    }

    /// Tells when `Wait` has begun, and lets it end.
    pub(crate) fn gate(&self) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let ((begun, begins), (end, ends)) = (oneshot::channel(), oneshot::channel());
        *self.gate.lock().unwrap() = Some((begun, ends));
        (begins, end)
    }

    /// Ends when the client goes.
    fn stream(&self, client: Client) -> Reply {
        let receiver = self.chunks.lock().unwrap().take().unwrap();
        let gone = self.gone.clone();
        let ended = async move {
            client.gone().await;
            gone.send_modify(|count| *count += 1);
        };
        let events = futures::stream::unfold(receiver, |mut receiver| async move {
            let payload = receiver.recv().await?;
            let event: Box<dyn Struct> = Box::new(Event { chunk: Some(Chunk { payload }) });
            Some((Ok(event), receiver))
        });
        Some(Box::new(Streamed { events: EventStream::new(events.take_until(ended)) }))
    }
}

impl Service for Fake {
    fn schema(&self) -> &'static ServiceSchema {
        self.schema
    }

    fn call<'a>(&'a self, context: &'a Context, request: &'a Request) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(async move {
            match request.operation.name {
                "Panic" => panic!("as asked"),
                "Stream" => return Ok(self.stream(context.client.clone())),
                "Wait" => {
                    let (begun, ends) = self.gate.lock().unwrap().take().unwrap();
                    begun.send(()).unwrap();
                    ends.await.unwrap();
                }
                "Outlast" => {
                    context.client.gone().await;
                    self.gone.send_modify(|count| *count += 1);
                }
                _ => {}
            }
            Ok(Some(Box::new(Echo {
                payload: request.body.clone(),
                operation: request.operation.name.to_owned(),
                account: context.account.to_string(),
                region: context.region.to_string(),
                name: request.labels.first().map(|(_, name)| name.clone()),
            })))
        })
    }
}

/// Answers `own PATH REACH`.
#[derive(Debug)]
struct OwnPaths;

#[async_trait]
impl Local for OwnPaths {
    async fn answer(&self, request: http::Request<Bytes>) -> wire::Response {
        let reach = request.extensions().get::<Reach>().unwrap();
        let text = format!("own {} {reach:?}", request.uri().path());
        http::Response::new(wire::Body::Full(Bytes::from(text)))
    }
}

pub(crate) const KEY: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub(crate) const NOW: &str = "2015-08-30T12:36:00Z";

pub(crate) fn authenticator(mode: Mode) -> Authenticator {
    let account = AccountId::parse("111122223333").unwrap();
    let keys = StaticKeys::new([(KEY.to_owned(), AccessKey::root(SECRET.to_owned(), account))]);
    let sessions = SessionKeys::new([7; 32]);
    match mode {
        Mode::Off => Authenticator::new(mode, Arc::new(keys), sessions, Arc::new(SystemClock)),
        Mode::Strict => {
            let clock = VirtualClock::new(Timestamp::parse_iso8601(NOW).unwrap());
            Authenticator::new(mode, Arc::new(keys), sessions, Arc::new(clock))
        }
    }
}

/// Lambda is the first.
pub(crate) fn fakes() -> Vec<Arc<Fake>> {
    [&LAMBDA, &SQS, &IAM, &CLOUDWATCH, &KINESIS].map(|schema| Arc::new(Fake::new(schema))).to_vec()
}

pub(crate) fn services(fakes: &[Arc<Fake>]) -> Vec<Arc<dyn Service>> {
    fakes.iter().map(|fake| Arc::clone(fake) as Arc<dyn Service>).collect()
}

pub(crate) fn local() -> Arc<dyn Local> {
    Arc::new(OwnPaths)
}

pub(crate) fn pipeline(config: Config, mode: Mode, fakes: &[Arc<Fake>]) -> Pipeline {
    Pipeline::new(config, services(fakes), local(), authenticator(mode), IdSource::seeded(1))
}

pub(crate) fn origin(side: Side) -> Origin {
    let defaults = Defaults {
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("us-east-1").unwrap(),
    };
    Origin { defaults, side }
}

pub(crate) fn entrance(side: Side) -> Entrance {
    Entrance { origin: origin(side), reach: Reach::Loopback }
}
