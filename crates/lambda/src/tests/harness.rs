//! A service with everything it needs, and functions written on the spot.

use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use api_lambda::{
    CreateFunctionRequest, FunctionCode, FunctionConfiguration, GetFunctionConfigurationRequest,
    InvocationRequest, InvocationResponse, Lambda as _, LastUpdateStatus, State,
};
use async_trait::async_trait;
use bytes::Bytes;
use clock::{Clock, SharedClock, SystemClock, VirtualClock, execution_timeout};
use delivery::{Delivery, DeliveryParts};
use event_source::{EventSources, EventSourcesParts};
use ids::{AccountId, IdSource, Region};
use invoker::{Invoker, InvokerOptions, InvokerParts, NoEndpoint};
use packages::Packages;
use runtimes::Interpreters;
use sandbox::{Network, ProcessOptions, ProcessSandbox};
use store::{MemoryStore, SharedStore};
use targets::{Credentials, LogLine, LogStream, RecordUsage, Targets, Usage, VendCredentials, WriteLogs};
use tasks::Tasks;
use tempfile::TempDir;
use wire::{Caller, Context, Error};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::ports::Seen;
use super::sources::Sources;
use crate::{Lambda, LambdaParts};

/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/r";
pub(crate) const UNTRUSTED_ROLE: &str = "arn:aws:iam::000000000000:role/untrusted";
pub(crate) const ARN: &str = "arn:aws:lambda:eu-central-1:000000000000:function";

#[derive(Debug)]
struct Ports;

impl WriteLogs for Ports {
    fn write(&self, _: &Arc<LogStream>, _: Vec<LogLine>) {}
}

impl RecordUsage for Ports {
    fn record(&self, _: Usage) {}
}

#[async_trait]
impl VendCredentials for Ports {
    async fn credentials(&self, _: &AccountId, _: &Region, _: &str, _: &str) -> Result<Credentials, String> {
        Ok(Credentials {
            access_key_id: "ASIATEST".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: "token".to_owned(),
            expires: SystemClock.now() + Duration::from_secs(1_000_000),
        })
    }

    async fn can_be_assumed_by_lambda(&self, _: &AccountId, role: &str) -> bool {
        role != UNTRUSTED_ROLE
    }
}

#[derive(Debug)]
pub(crate) struct Harness {
    pub(crate) lambda: Lambda,
    pub(crate) seen: Arc<Seen>,
    pub(crate) store: SharedStore,
    pub(crate) directory: Arc<TempDir>,
}

impl Harness {
    pub(crate) async fn new() -> Self {
        Self::over(Arc::new(MemoryStore::default()), Arc::new(tempfile::tempdir().unwrap())).await
    }

    /// The service at a time that moves only when told, running events.
    pub(crate) async fn running(clock: &Arc<VirtualClock>) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let harness = Self::at(clock.clone(), Arc::new(MemoryStore::default()), directory).await;
        harness.lambda.start();
        harness
    }

    /// The service over state that is there already, as after a restart.
    pub(crate) async fn over(store: SharedStore, directory: Arc<TempDir>) -> Self {
        Self::at(Arc::new(SystemClock), store, directory).await
    }

    async fn at(clock: SharedClock, store: SharedStore, directory: Arc<TempDir>) -> Self {
        let tasks = Tasks::new();
        let ids = Arc::new(IdSource::from_entropy());
        let invoker = Invoker::new(InvokerParts {
            sandbox: Arc::new(sandbox(directory.path())),
            clock: clock.clone(),
            ids: ids.clone(),
            tasks: tasks.clone(),
            logs: Arc::new(Ports),
            usage: Arc::new(Ports),
            credentials: Arc::new(Ports),
            endpoint: Arc::new(NoEndpoint),
            network: Network::Host,
            options: InvokerOptions::default(),
        });
        let (seen, targets) = (Arc::<Seen>::default(), Targets::default());
        let sources = Arc::new(Sources::new(&store, &clock, &ids, &tasks, &seen));
        let delivery = Delivery::new(DeliveryParts {
            store: store.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
            targets: targets.clone(),
            metrics: seen.clone(),
            trace: seen.clone(),
        });
        let event_sources = EventSources::new(EventSourcesParts {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            tasks: tasks.clone(),
            queues: sources.clone(),
            streams: sources.clone(),
            targets: targets.clone(),
            metrics: seen.clone(),
            trace: seen.clone(),
        });
        let lambda = Lambda::new(LambdaParts {
            store: store.clone(),
            packages: Packages::open(&directory.path().join("packages"), tasks.clone()).await.unwrap(),
            interpreters: Arc::new(Interpreters::new(std::env::vars())),
            strict_runtimes: false,
            invoker,
            credentials: Arc::new(Ports),
            clock,
            ids,
            tasks,
            delivery,
            event_sources,
            targets: targets.clone(),
            metrics: seen.clone(),
            trace: seen.clone(),
        });
        targets.fill(targets::Ports {
            queues: seen.clone(),
            topics: seen.clone(),
            functions: Arc::new(lambda.clone()),
        });
        Self { lambda, seen, store, directory }
    }

    /// Creates a function, and waits as an SDK does.
    pub(crate) async fn create(&self, request: CreateFunctionRequest) -> FunctionConfiguration {
        let name = request.function_name.clone();
        self.lambda.create_function(&context(), request).await.unwrap();
        self.settled(&name).await
    }

    /// The configuration once nothing is under way any more.
    pub(crate) async fn settled(&self, name: &str) -> FunctionConfiguration {
        let waiting = async {
            loop {
                let configuration = self.configuration(name).await.unwrap();
                let is_pending = configuration.state == Some(State::Pending);
                if !is_pending && configuration.last_update_status != Some(LastUpdateStatus::InProgress) {
                    return configuration;
                }
                tokio::task::yield_now().await;
            }
        };
        execution_timeout(LIMIT, waiting).await.unwrap()
    }

    pub(crate) async fn configuration(&self, name: &str) -> Result<FunctionConfiguration, Error> {
        let function_name = name.to_owned();
        let request = GetFunctionConfigurationRequest { function_name, qualifier: None };
        self.lambda.get_function_configuration(&context(), request).await
    }

    pub(crate) async fn invoke(&self, name: &str, payload: &str) -> Result<InvocationResponse, Error> {
        let request = InvocationRequest {
            function_name: name.to_owned(),
            payload: Some(Bytes::copy_from_slice(payload.as_bytes())),
            ..InvocationRequest::default()
        };
        self.lambda.invoke(&context(), request).await
    }

    /// Removes all code from the disk, behind the service's back.
    pub(crate) fn lose_packages(&self) {
        let packages = self.directory.path().join("packages");
        let trees = std::fs::read_dir(packages.join("trees")).unwrap().map(|entry| entry.unwrap().path());
        for directory in trees.chain([packages.join("zips")]) {
            std::fs::remove_dir_all(&directory).unwrap();
            std::fs::create_dir(&directory).unwrap();
        }
    }

    /// How many zips are kept.
    pub(crate) fn keeps_zips(&self) -> usize {
        std::fs::read_dir(self.directory.path().join("packages/zips")).unwrap().count()
    }
}

fn sandbox(directory: &Path) -> ProcessSandbox {
    let options = ProcessOptions { directory: directory.join("sandbox"), endpoint_url: None };
    ProcessSandbox::new(options).unwrap()
}

pub(crate) fn context() -> Context {
    Context {
        request_id: IdSource::from_entropy().request_id(),
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        caller: Caller {
            arn: "arn:aws:iam::000000000000:root".to_owned(),
            user_id: "000000000000".to_owned(),
            access_key_id: None,
        },
        endpoint: "http://127.0.0.1:4566".to_owned(),
        trace_id: None,
        client: wire::Client::default(),
    }
}

pub(crate) fn zip(files: &[(&str, &str)]) -> Bytes {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner().into()
}

/// A function whose code is never run.
pub(crate) fn idle(name: &str) -> CreateFunctionRequest {
    CreateFunctionRequest {
        function_name: name.to_owned(),
        runtime: Some("provided.al2023".into()),
        role: ROLE.to_owned(),
        handler: Some("h".to_owned()),
        code: code(name),
        architectures: Some(vec![if cfg!(target_arch = "x86_64") {
            api_lambda::Architecture::X8664
        } else {
            api_lambda::Architecture::Arm64
        }]),
        ..CreateFunctionRequest::default()
    }
}

/// A function in Python, of any version that the host has.
pub(crate) fn python(name: &str, source: &str) -> CreateFunctionRequest {
    CreateFunctionRequest {
        runtime: Some("python3.10".into()),
        handler: Some("index.handler".to_owned()),
        code: FunctionCode { zip_file: Some(zip(&[("index.py", source)])), ..FunctionCode::default() },
        timeout: Some(30),
        ..idle(name)
    }
}

pub(crate) fn code(text: &str) -> FunctionCode {
    FunctionCode { zip_file: Some(zip(&[("bootstrap", text)])), ..FunctionCode::default() }
}

/// Code, status and message of an error.
pub(crate) fn told<T: std::fmt::Debug>(result: Result<T, Error>) -> (String, u16, String) {
    let error = result.unwrap_err();
    (error.code().to_owned(), error.status(), error.message().unwrap_or_default().to_owned())
}
