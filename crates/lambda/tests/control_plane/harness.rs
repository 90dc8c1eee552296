//! The service over a store in memory, and functions that are one shell script.

use std::fmt::Debug;
use std::future::Future;
use std::io::{Cursor, Write};
use std::sync::Arc;
use std::time::Duration;

use api_lambda::{
    Context, CreateFunctionRequest, Error, FunctionCode, FunctionConfiguration, GetFunctionRequest,
    Lambda as _, LayerVersionContentInput, PublishLayerVersionRequest, PublishLayerVersionResponse,
    PublishVersionRequest, State,
};
use async_trait::async_trait;
use bytes::Bytes;
use clock::{Clock, SystemClock, Timestamp, VirtualClock, execution_timeout};
use delivery::{Delivery, DeliveryParts};
use event_source::{EventSources, EventSourcesParts, FindQueue, FindStream};
use ids::{AccountId, Arn, IdSource, Region};
use invoker::{Invoker, InvokerOptions, InvokerParts, NoEndpoint};
use lambda::{Lambda, LambdaParts};
use packages::Packages;
use runtimes::Interpreters;
use sandbox::{Network, ProcessOptions, ProcessSandbox};
use store::Store;
use targets::{
    Credentials, FailedEvent, LogLine, LogStream, MetricSource, RecordMetrics, RecordTrace, RecordUsage,
    Step, TargetError, Targets, Unit, Usage, VendCredentials, WriteLogs,
};
use tasks::Tasks;
use tempfile::TempDir;
use wire::Caller;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::meddling::MeddledStore;

/// How long anything may take that nothing but the machine delays.
const LIMIT: Duration = Duration::from_secs(30);

/// The moment at which the clock stands.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_706_688_309_123);
/// As Lambda writes it.
pub(crate) const NOW_TEXT: &str = "2024-01-31T08:05:09.123+0000";

#[derive(Debug)]
struct Nowhere;

impl WriteLogs for Nowhere {
    fn write(&self, _: &Arc<LogStream>, _: Vec<LogLine>) {}
}

impl RecordUsage for Nowhere {
    fn record(&self, _: Usage) {}
}

impl RecordMetrics for Nowhere {
    fn record(&self, _: &Arc<MetricSource>, _: Timestamp, _: &[(&'static str, Unit, f64)]) {}
}

impl RecordTrace for Nowhere {
    fn record(&self, _: Step) {}

    fn is_overloaded(&self) -> bool {
        true
    }

    fn keep(&self, _: FailedEvent) {}
}

#[async_trait]
impl FindQueue for Nowhere {
    async fn queue(&self, _: &Arn) -> Result<Option<queue::Queue>, TargetError> {
        Ok(None)
    }
}

#[async_trait]
impl FindStream for Nowhere {
    async fn stream(&self, _: &Arn) -> Result<Option<stream::Stream>, TargetError> {
        Ok(None)
    }
}

#[derive(Debug)]
struct Keys;

#[async_trait]
impl VendCredentials for Keys {
    async fn credentials(&self, _: &AccountId, _: &Region, _: &str, _: &str) -> Result<Credentials, String> {
        Ok(Credentials {
            access_key_id: "ASIATEST".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: "token".to_owned(),
            // Credentials live in real time, whatever the platform's clock says.
            expires: SystemClock.now() + Duration::from_secs(1_000_000),
        })
    }

    async fn can_be_assumed_by_lambda(&self, _: &AccountId, _: &str) -> bool {
        true
    }
}

pub(crate) struct Harness {
    pub(crate) lambda: Lambda,
    pub(crate) parts: LambdaParts,
    pub(crate) store: Arc<MeddledStore>,
    pub(crate) context: Context,
    directory: TempDir,
}

impl Harness {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tasks = Tasks::new();
        let packages = Packages::open(&directory.path().join("packages"), tasks.clone()).await.unwrap();
        let invoker = invoker(&directory, "first");
        let store = Arc::<MeddledStore>::default();
        let (clock, ids) = (Arc::new(VirtualClock::new(NOW)), Arc::new(IdSource::seeded(7)));
        let targets = Targets::default();
        let delivery = Delivery::new(DeliveryParts {
            store: store.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
            targets: targets.clone(),
            metrics: Arc::new(Nowhere),
            trace: Arc::new(Nowhere),
        });
        let event_sources = EventSources::new(EventSourcesParts {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            tasks: tasks.clone(),
            queues: Arc::new(Nowhere),
            streams: Arc::new(Nowhere),
            targets: targets.clone(),
            metrics: Arc::new(Nowhere),
            trace: Arc::new(Nowhere),
        });
        let parts = LambdaParts {
            store: store.clone(),
            packages,
            interpreters: Arc::new(Interpreters::new([])),
            strict_runtimes: false,
            invoker,
            credentials: Arc::new(Keys),
            clock,
            ids,
            tasks,
            delivery,
            event_sources,
            targets,
            metrics: Arc::new(Nowhere),
            trace: Arc::new(Nowhere),
        };
        let lambda = Lambda::new(parts.clone());
        Self { lambda, parts, store, context: context("000000000000"), directory }
    }

    /// The same state, as a server finds it that has just been started.
    pub(crate) fn restarted(self) -> Self {
        let parts = LambdaParts { invoker: invoker(&self.directory, "second"), ..self.parts };
        let lambda = Lambda::new(parts.clone());
        lambda.start();
        Self { lambda, parts, ..self }
    }

    /// A function that is ready.
    pub(crate) async fn function(&self, name: &str) -> FunctionConfiguration {
        self.function_of(name, BOOTSTRAP, Vec::new()).await
    }

    /// A function that is ready, of this bootstrap and with these layers.
    pub(crate) async fn function_of(
        &self,
        name: &str,
        bootstrap: &str,
        layers: Vec<String>,
    ) -> FunctionConfiguration {
        let input = function_input(name, bootstrap, layers);
        self.lambda.create_function(&self.context, input).await.unwrap();
        self.active(name, None).await
    }

    /// Publishes a version; returns its number.
    pub(crate) async fn version(&self, name: &str) -> String {
        let input =
            PublishVersionRequest { function_name: name.to_owned(), ..PublishVersionRequest::default() };
        let version = self.lambda.publish_version(&self.context, input).await.unwrap().version.unwrap();
        self.active(name, Some(&version)).await;
        version
    }

    async fn active(&self, name: &str, qualifier: Option<&str>) -> FunctionConfiguration {
        eventually("the function is active", async || {
            let configuration = self.configuration(name, qualifier).await;
            (configuration.state == Some(State::Active)).then_some(configuration)
        })
        .await
    }

    pub(crate) async fn configuration(&self, name: &str, qualifier: Option<&str>) -> FunctionConfiguration {
        let (function_name, qualifier) = (name.to_owned(), qualifier.map(str::to_owned));
        let input = GetFunctionRequest { function_name, qualifier };
        self.lambda.get_function(&self.context, input).await.unwrap().configuration.unwrap()
    }

    /// How many rows there are in a table.
    pub(crate) async fn rows(&self, table: &str) -> usize {
        let prefix = store::key(&[table.into()]);
        let snapshot = self.store.snapshot().await.unwrap();
        snapshot.range(&prefix, &store::prefix_end(&prefix), usize::MAX, false).await.unwrap().len()
    }

    /// Publishes a version of a layer of one file.
    pub(crate) async fn layer(
        &self,
        name: &str,
        change: impl FnOnce(&mut PublishLayerVersionRequest),
    ) -> PublishLayerVersionResponse {
        let mut input = PublishLayerVersionRequest {
            layer_name: name.to_owned(),
            content: LayerVersionContentInput {
                zip_file: Some(zip(&[("python/of_layer.py", name.as_bytes())])),
                ..LayerVersionContentInput::default()
            },
            ..PublishLayerVersionRequest::default()
        };
        change(&mut input);
        self.lambda.publish_layer_version(&self.context, input).await.unwrap()
    }
}

/// Never asks for work.
pub(crate) const BOOTSTRAP: &str = "#!/bin/sh\nexec cat\n";

pub(crate) fn function_input(name: &str, bootstrap: &str, layers: Vec<String>) -> CreateFunctionRequest {
    CreateFunctionRequest {
        function_name: name.to_owned(),
        runtime: Some("provided.al2023".into()),
        handler: Some("index.handler".to_owned()),
        role: "arn:aws:iam::000000000000:role/r".to_owned(),
        code: FunctionCode {
            zip_file: Some(zip(&[("bootstrap", bootstrap.as_bytes())])),
            ..FunctionCode::default()
        },
        layers: Some(layers),
        ..CreateFunctionRequest::default()
    }
}

fn invoker(directory: &TempDir, name: &str) -> Invoker {
    let options = ProcessOptions { directory: directory.path().join(name), endpoint_url: None };
    Invoker::new(InvokerParts {
        sandbox: Arc::new(ProcessSandbox::new(options).unwrap()),
        clock: Arc::new(VirtualClock::new(NOW)),
        ids: Arc::new(IdSource::seeded(8)),
        tasks: Tasks::new(),
        logs: Arc::new(Nowhere),
        usage: Arc::new(Nowhere),
        credentials: Arc::new(Keys),
        endpoint: Arc::new(NoEndpoint),
        network: Network::Host,
        options: InvokerOptions::default(),
    })
}

pub(crate) fn context(account: &str) -> Context {
    Context {
        request_id: IdSource::seeded(9).request_id(),
        account: AccountId::parse(account).unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        caller: Caller {
            arn: format!("arn:aws:iam::{account}:root"),
            user_id: account.to_owned(),
            access_key_id: None,
        },
        endpoint: "http://127.0.0.1:4566".to_owned(),
        trace_id: None,
        client: wire::Client::default(),
    }
}

/// A package of executable files.
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Bytes {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner().into()
}

/// Asks until there is an answer, and gives up after a while.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    execution_timeout(LIMIT, asking).await.unwrap_or_else(|_| panic!("{what} within {LIMIT:?}"))
}

/// That an operation was refused with this code and text.
pub(crate) async fn refused<T: Debug>(
    answer: impl Future<Output = Result<T, Error>>,
    code: &str,
    message: &str,
) {
    let error = answer.await.unwrap_err();
    assert_eq!((error.code(), error.message().unwrap_or_default()), (code, message));
}

pub(crate) const INVALID: &str = "InvalidParameterValueException";
pub(crate) const NOT_FOUND: &str = "ResourceNotFoundException";
pub(crate) const CONFLICT: &str = "ResourceConflictException";
pub(crate) const PRECONDITION: &str = "PreconditionFailedException";
pub(crate) const DENIED: &str = "AccessDeniedException";
