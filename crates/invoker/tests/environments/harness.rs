//! An invoker over the plain-process sandbox, and functions written on the spot.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use clock::{Clock, SharedClock, SystemClock, execution_timeout};
use ids::{AccountId, FunctionArn, IdSource, Qualifier, Region};
use invoker::{
    Function, Invocation, InvokeError, Invoker, InvokerOptions, InvokerParts, LogFormat, Logging, NoEndpoint,
    Outcome, SharedFunction,
};
use sandbox::{Network, ProcessOptions, ProcessSandbox, Program};
use targets::{Credentials, LogLine, LogStream, RecordUsage, Usage, VendCredentials, WriteLogs};
use tasks::Tasks;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// The host's Python, or `None`, loudly.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn python() -> Option<PathBuf> {
    let paths =
        std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    match paths {
        Ok(output) if output.status.success() => {
            Some(PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()))
        }
        _ => {
            eprintln!("SKIPPED: this host has no python3");
            None
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Logs(Mutex<Vec<(String, LogLine)>>);

impl WriteLogs for Logs {
    fn write(&self, stream: &Arc<LogStream>, lines: Vec<LogLine>) {
        let named = lines.into_iter().map(|line| (stream.stream.clone(), line));
        self.0.lock().unwrap().extend(named);
    }
}

impl Logs {
    pub(crate) fn messages(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(_, line)| line.message.clone()).collect()
    }

    pub(crate) fn streams(&self) -> Vec<String> {
        let mut streams: Vec<String> =
            self.0.lock().unwrap().iter().map(|(stream, _)| stream.clone()).collect();
        streams.dedup();
        streams
    }
}

#[derive(Debug, Default)]
pub(crate) struct Bill(Mutex<Vec<Usage>>);

impl RecordUsage for Bill {
    fn record(&self, usage: Usage) {
        self.0.lock().unwrap().push(usage);
    }
}

impl Bill {
    pub(crate) fn usages(&self) -> Vec<Usage> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Debug)]
pub(crate) struct Keys;

#[async_trait]
impl VendCredentials for Keys {
    async fn credentials(&self, _: &AccountId, _: &Region, _: &str, _: &str) -> Result<Credentials, String> {
        Ok(Credentials {
            access_key_id: "ASIATEST".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: "token".to_owned(),
            // Real time, whatever the platform's clock says.
            expires: SystemClock.now() + Duration::from_secs(3_600),
        })
    }

    async fn can_be_assumed_by_lambda(&self, _: &AccountId, _: &str) -> bool {
        true
    }
}

/// A runtime's conversation with the server, for programs that want to hold it themselves.
const BOOTSTRAP: &str = "
import http.client, json, os, sys
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
def call(method, path, body=None, headers={}):
    api.request(method, path, body, headers)
    answer = api.getresponse()
    return answer, answer.read()
def next_event():
    answer, body = call('GET', '/2018-06-01/runtime/invocation/next')
    return answer.getheader('Lambda-Runtime-Aws-Request-Id'), body
def respond(id, body, what='response', headers={}):
    return call('POST', '/2018-06-01/runtime/invocation/' + id + '/' + what, body, headers)
";

pub(crate) struct Harness {
    pub(crate) invoker: Invoker,
    pub(crate) logs: Arc<Logs>,
    pub(crate) bill: Arc<Bill>,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) directory: TempDir,
    python: PathBuf,
}

impl Harness {
    /// A function whose runtime is this Python program.
    pub(crate) fn custom(
        &self,
        name: &str,
        program: &str,
        change: impl FnOnce(&mut Function),
    ) -> SharedFunction {
        let function = self.function(name, "", |function| {
            function.runtime = "provided.al2023".to_owned();
            function.program = Program::Bootstrap;
            change(function);
        });
        let script = format!("#!{}\n{BOOTSTRAP}\n{program}", self.python.display());
        self.executable(&function.task_dir.join("bootstrap"), &script);
        function
    }

    /// Writes a program.
    pub(crate) fn executable(&self, path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }

    /// A program in Python.
    pub(crate) fn script(&self, path: &Path, text: &str) {
        self.executable(path, &format!("#!{}\n{BOOTSTRAP}\n{text}", self.python.display()));
    }

    /// `None` when the host has no Python.
    pub(crate) fn new() -> Option<Self> {
        Self::with(InvokerOptions::default(), Arc::new(SystemClock))
    }

    pub(crate) fn with(options: InvokerOptions, clock: SharedClock) -> Option<Self> {
        let python = python()?;
        let directory = tempfile::tempdir().unwrap();
        let options_of_sandbox =
            ProcessOptions { directory: directory.path().join("sandbox"), endpoint_url: None };
        let (logs, bill, ids) =
            (Arc::<Logs>::default(), Arc::<Bill>::default(), Arc::new(IdSource::from_entropy()));
        let invoker = Invoker::new(InvokerParts {
            sandbox: Arc::new(ProcessSandbox::new(options_of_sandbox).unwrap()),
            clock,
            ids: ids.clone(),
            tasks: Tasks::new(),
            logs: logs.clone(),
            usage: bill.clone(),
            credentials: Arc::new(Keys),
            endpoint: Arc::new(NoEndpoint),
            network: Network::Host,
            options,
        });
        Some(Self { invoker, logs, bill, ids, directory, python })
    }

    /// A function of one file. `change` may set anything else.
    pub(crate) fn function(
        &self,
        name: &str,
        code: &str,
        change: impl FnOnce(&mut Function),
    ) -> SharedFunction {
        let task_dir = self.directory.path().join(name);
        std::fs::create_dir_all(&task_dir).unwrap();
        std::fs::write(task_dir.join("index.py"), code).unwrap();
        let mut function = Function {
            arn: FunctionArn {
                region: Region::parse("eu-central-1").unwrap(),
                account: AccountId::parse("000000000000").unwrap(),
                name: name.to_owned(),
                qualifier: Some(Qualifier::Latest),
            },
            revision: "1".to_owned(),
            runtime: "python3.12".to_owned(),
            runtime_warning: None,
            program: Program::Python { interpreter: self.python.clone() },
            handler: "index.handler".to_owned(),
            role: "arn:aws:iam::000000000000:role/r".to_owned(),
            architecture: "x86_64",
            timeout: Duration::from_secs(30),
            memory_mb: 256,
            tmp_mb: 512,
            variables: Vec::new(),
            task_dir,
            layer_dirs: Vec::new(),
            logging: Logging { group: format!("/aws/lambda/{name}"), format: LogFormat::Text },
        };
        change(&mut function);
        Arc::new(function)
    }

    pub(crate) fn invocation(&self, function: &SharedFunction, payload: &str) -> Invocation {
        Invocation {
            request_id: self.ids.request_id(),
            function: function.clone(),
            invoked_arn: function.arn.unqualified(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            client_context: None,
            trace_id: None,
            tail_log: true,
            reserved_concurrency: None,
            stream: None,
            observer: None,
        }
    }

    pub(crate) async fn invoke(
        &self,
        function: &SharedFunction,
        payload: &str,
    ) -> Result<Outcome, InvokeError> {
        self.invoker.invoke(self.invocation(function, payload)).await
    }
}

pub(crate) fn text(outcome: &Outcome) -> String {
    String::from_utf8(outcome.payload.to_vec()).unwrap()
}

pub(crate) fn tail(outcome: &Outcome) -> String {
    String::from_utf8(outcome.log_tail.clone().unwrap().to_vec()).unwrap()
}

/// The error document's type and message.
pub(crate) fn error(outcome: &Outcome) -> (String, String) {
    let document: serde_json::Value = serde_json::from_slice(&outcome.payload).unwrap();
    let field = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
    (field("errorType"), field("errorMessage"))
}

/// Yields until `reached`, and gives up after a while.
pub(crate) async fn eventually(what: &str, mut reached: impl FnMut() -> bool) {
    let waiting = async {
        while !reached() {
            tokio::task::yield_now().await;
        }
    };
    assert!(execution_timeout(LIMIT, waiting).await.is_ok(), "{what} within {LIMIT:?}");
}

/// Nothing in these tests takes this long.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Where functions report that they run and wait for leave to end.
pub(crate) struct Gate {
    listener: tokio::net::TcpListener,
}

/// A function that waits at the gate named by its event.
pub(crate) const WAITS: &str = "
import socket
def handler(event, context):
    with socket.create_connection(('127.0.0.1', event)) as gate:
        gate.recv(1)
    return 'done'
";

impl Gate {
    pub(crate) async fn open() -> Self {
        Self { listener: tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    /// The event that sends a function here.
    pub(crate) fn event(&self) -> String {
        self.listener.local_addr().unwrap().port().to_string()
    }

    /// A function has arrived. It goes on when the guest is dropped.
    pub(crate) async fn guest(&self) -> TcpStream {
        execution_timeout(LIMIT, self.listener.accept()).await.expect("a function arrives").unwrap().0
    }
}
