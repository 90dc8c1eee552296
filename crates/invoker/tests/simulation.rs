//! Many callers, environments that crash, hang and refuse to start, out of one seed: whatever happens, every
//! invocation ends, the limits hold, and nothing is left behind.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use clock::{SystemClock, execution_timeout};
use ids::{AccountId, FunctionArn, IdSource, Qualifier, Region};
use invoker::{
    Function, Invocation, InvokeError, Invoker, InvokerOptions, InvokerParts, LogFormat, Logging, NoEndpoint,
    ThrottleReason,
};
use sandbox::{
    Environment, EnvironmentSpec, Exit, Isolation, Network, Process, Program, Sandbox, StartError,
};
use targets::{Credentials, LogLine, LogStream, RecordUsage, Usage, VendCredentials, WriteLogs};
use tasks::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Environments that are tasks of the test.
#[derive(Debug)]
struct Simulated {
    dice: Arc<IdSource>,
    tasks: Tasks,
    census: Arc<Census>,
}

#[derive(Debug, Default)]
struct Census {
    living: AtomicUsize,
    working: AtomicUsize,
    most_working: AtomicUsize,
    frozen_work: AtomicBool,
}

#[derive(Debug)]
struct SimulatedProcess {
    killed: CancellationToken,
    exited: CancellationToken,
    exit: Arc<Mutex<Exit>>,
    frozen: Arc<AtomicBool>,
    census: Arc<Census>,
    buried: AtomicBool,
}

#[async_trait]
impl Process for SimulatedProcess {
    async fn exited(&self) -> Exit {
        self.exited.cancelled().await;
        *self.exit.lock().unwrap()
    }

    async fn kill(&self) {
        self.killed.cancel();
        self.exited.cancelled().await;
        if !self.buried.swap(true, Ordering::SeqCst) {
            self.census.living.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn terminate(&self) {}

    fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    fn thaw(&self) {
        self.frozen.store(false, Ordering::SeqCst);
    }

    fn memory_peak_bytes(&self) -> u64 {
        1
    }
}

#[async_trait]
impl Sandbox for Simulated {
    async fn start(&self, spec: EnvironmentSpec) -> Result<Environment, StartError> {
        if self.dice.unit() < 0.05 {
            return Err(StartError::NoRoom("simulated".to_owned()));
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (output, writer) = std::io::pipe().unwrap();
        let killed = CancellationToken::new();
        let exited = CancellationToken::new();
        let exit = Arc::new(Mutex::new(Exit::Signal(9)));
        let frozen = Arc::new(AtomicBool::new(false));
        self.census.living.fetch_add(1, Ordering::SeqCst);
        let life = Life {
            dice: self.dice.split(),
            port,
            output: writer,
            frozen: frozen.clone(),
            census: self.census.clone(),
            name: spec.id.0,
        };
        let (ends, ended, last) = (killed.clone(), exited.clone(), exit.clone());
        self.tasks.spawn("simulated function", async move {
            if let Some(status) = ends.run_until_cancelled(life.live()).await {
                *last.lock().unwrap() = status;
            }
            ended.cancel();
        });
        let census = self.census.clone();
        let buried = AtomicBool::new(false);
        let process = Box::new(SimulatedProcess { killed, exited, exit, frozen, census, buried });
        let (extensions, endpoint) = (Vec::new(), None);
        Ok(Environment {
            runtime_api: listener,
            endpoint,
            output: output.into(),
            extensions,
            pooled: false,
            process,
        })
    }

    fn expect(&self, _: &EnvironmentSpec) {}

    fn isolation(&self) -> Isolation {
        Isolation { level: "simulated", features: Vec::new() }
    }

    async fn shut_down(&self) {}
}

struct Life {
    dice: IdSource,
    port: u16,
    output: std::io::PipeWriter,
    frozen: Arc<AtomicBool>,
    census: Arc<Census>,
    name: String,
}

struct Working<'a>(&'a Census);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Life {
    async fn live(mut self) -> Exit {
        if self.dice.unit() < 0.05 {
            return Exit::Status(3);
        }
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        loop {
            send(&mut stream, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n").await;
            let Some((head, body)) = receive(&mut stream).await else { return Exit::Status(4) };
            let census = self.census.clone();
            let working = census.working.fetch_add(1, Ordering::SeqCst) + 1;
            let _working = Working(&census);
            census.most_working.fetch_max(working, Ordering::SeqCst);
            census.frozen_work.fetch_or(self.frozen.load(Ordering::SeqCst), Ordering::SeqCst);
            let id =
                head.lines().find_map(|line| line.strip_prefix("Lambda-Runtime-Aws-Request-Id: ")).unwrap();
            writeln!(self.output, "{} works on {id}", self.name).unwrap();
            for _ in 0..(self.dice.bits() % 50) {
                tokio::task::yield_now().await;
            }
            let fate = self.dice.unit();
            if fate < 0.05 {
                return Exit::Status(1);
            }
            if fate < 0.07 {
                std::future::pending::<()>().await;
            }
            let what = if fate < 0.17 { "error" } else { "response" };
            let (length, body) = (body.len(), String::from_utf8(body).unwrap());
            let request = format!(
                "POST /2018-06-01/runtime/invocation/{id}/{what} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            send(&mut stream, &request).await;
            drop(_working);
            if receive(&mut stream).await.is_none() || self.dice.unit() < 0.03 {
                return Exit::Status(0);
            }
        }
    }
}

async fn send(stream: &mut TcpStream, text: &str) {
    // The server may have closed already: then nothing comes back.
    let _closed = stream.write_all(text.as_bytes()).await;
}

async fn receive(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut received = Vec::new();
    loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(received[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
            let whole = end + 4 + length.parse::<usize>().unwrap();
            if received.len() >= whole {
                return Some((head, received[end + 4..whole].to_vec()));
            }
        }
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(size) => received.extend_from_slice(&chunk[..size]),
        }
    }
}

#[derive(Debug, Default)]
struct Everything {
    lines: Mutex<Vec<(String, String)>>,
    usages: AtomicUsize,
}

impl WriteLogs for Everything {
    fn write(&self, stream: &Arc<LogStream>, lines: Vec<LogLine>) {
        let named = lines.into_iter().map(|line| (stream.stream.clone(), line.message));
        self.lines.lock().unwrap().extend(named);
    }
}

impl RecordUsage for Everything {
    fn record(&self, _: Usage) {
        self.usages.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl VendCredentials for Everything {
    async fn credentials(&self, _: &AccountId, _: &Region, _: &str, _: &str) -> Result<Credentials, String> {
        Ok(Credentials {
            access_key_id: String::new(),
            secret_access_key: String::new(),
            session_token: String::new(),
            expires: clock::Timestamp::from_millis(i64::MAX),
        })
    }

    async fn can_be_assumed_by_lambda(&self, _: &AccountId, _: &str) -> bool {
        true
    }
}

fn function(name: &str) -> Arc<Function> {
    Arc::new(Function {
        arn: FunctionArn {
            region: Region::parse("eu-central-1").unwrap(),
            account: AccountId::parse("000000000000").unwrap(),
            name: name.to_owned(),
            qualifier: Some(Qualifier::Latest),
        },
        revision: "1".to_owned(),
        runtime: "provided.al2023".to_owned(),
        runtime_warning: None,
        program: Program::Bootstrap,
        handler: "h".to_owned(),
        role: "r".to_owned(),
        architecture: "x86_64",
        timeout: Duration::from_millis(300),
        memory_mb: 128,
        tmp_mb: 512,
        variables: Vec::new(),
        task_dir: "/nowhere".into(),
        layer_dirs: Vec::new(),
        logging: Logging { group: "g".to_owned(), format: LogFormat::Text },
    })
}

const LIMIT: u32 = 6;

#[derive(Debug, Default)]
struct Tally {
    succeeded: usize,
    failed: usize,
    throttled: usize,
}

/// One caller after the other; every outcome is one that may be.
async fn call(invoker: Invoker, ids: IdSource, function: Arc<Function>) -> Tally {
    let mut tally = Tally::default();
    for number in 0..25 {
        let payload = format!("{{\"errorType\":\"T\",\"errorMessage\":\"{number}\"}}");
        let invocation = Invocation {
            request_id: ids.request_id(),
            function: function.clone(),
            invoked_arn: function.arn.clone(),
            payload: Bytes::from(payload.clone()),
            client_context: None,
            trace_id: None,
            tail_log: true,
            reserved_concurrency: None,
            stream: None,
            observer: None,
        };
        let id = invocation.request_id.to_string();
        if ids.unit() < 0.05 {
            // The caller goes away at once; the function runs on.
            let _given_up = execution_timeout(Duration::ZERO, invoker.invoke(invocation)).await;
            continue;
        }
        let outcome = execution_timeout(Duration::from_secs(20), invoker.invoke(invocation)).await;
        match outcome.expect("every invocation ends") {
            Ok(outcome) => {
                let log = String::from_utf8(outcome.log_tail.unwrap().to_vec()).unwrap();
                assert!(log.starts_with(&format!("START RequestId: {id} ")), "{log}");
                assert!(log.contains(&format!("END RequestId: {id}\nREPORT RequestId: {id}\t")), "{log}");
                assert_eq!(log.matches("START").count(), 1, "{log}");
                match outcome.error {
                    None => {
                        assert_eq!(outcome.payload, payload);
                        assert!(log.contains(&format!("works on {id}\n")), "{log}");
                        tally.succeeded += 1;
                    }
                    Some(error) => {
                        let known = ["T", "Runtime.ExitError", "Sandbox.Timedout"];
                        assert!(known.contains(&error.error_type.as_str()), "{error:?}");
                        tally.failed += 1;
                    }
                }
            }
            Err(InvokeError::Throttled(reason)) => {
                assert_ne!(reason, ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded);
                tally.throttled += 1;
                tokio::task::yield_now().await;
            }
            Err(InvokeError::Internal(text)) => assert!(text.contains("ended"), "{text}"),
        }
    }
    tally
}

#[test]
fn whatever_happens_every_invocation_ends_and_the_limits_hold() {
    for seed in 0..6 {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(run(seed));
    }
}

async fn run(seed: u64) {
    let dice = Arc::new(IdSource::seeded(seed));
    let (census, everything, tasks) = (Arc::<Census>::default(), Arc::<Everything>::default(), Tasks::new());
    let sandbox = Simulated { dice: dice.clone(), tasks: tasks.clone(), census: census.clone() };
    let options = InvokerOptions {
        account_concurrency: LIMIT,
        freeze_after: Duration::from_millis(5),
        init_limit: Duration::from_millis(300),
        ..InvokerOptions::default()
    };
    let invoker = Invoker::new(InvokerParts {
        sandbox: Arc::new(sandbox),
        clock: Arc::new(SystemClock),
        ids: dice.clone(),
        tasks: tasks.clone(),
        logs: everything.clone(),
        usage: everything.clone(),
        credentials: everything.clone(),
        endpoint: Arc::new(NoEndpoint),
        network: Network::Host,
        options,
    });
    let callers: Vec<_> = (0..8)
        .map(|number| {
            let function = function(if number % 2 == 0 { "even" } else { "odd" });
            tasks.spawn("caller", call(invoker.clone(), dice.split(), function))
        })
        .collect();
    let mut sum = Tally::default();
    for caller in callers {
        let tally = caller.await.unwrap();
        sum.succeeded += tally.succeeded;
        sum.failed += tally.failed;
        sum.throttled += tally.throttled;
    }
    assert!(sum.succeeded > 0 && sum.failed > 0, "seed {seed}: {sum:?}");
    assert!(census.most_working.load(Ordering::SeqCst) <= LIMIT as usize, "seed {seed}: more ran than may");
    assert!(!census.frozen_work.load(Ordering::SeqCst), "seed {seed}: a frozen environment got an event");
    execution_timeout(Duration::from_secs(20), invoker.shut_down(Duration::from_secs(10))).await.unwrap();
    assert_eq!(census.living.load(Ordering::SeqCst), 0, "seed {seed}: an environment is left");
    for account in invoker.concurrency() {
        assert_eq!(account.unreserved_running, 0, "seed {seed}: {account:?}");
        assert!(account.functions.is_empty(), "seed {seed}: {account:?}");
    }
    let count =
        |word: &str| everything.lines.lock().unwrap().iter().filter(|(_, m)| m.starts_with(word)).count();
    assert_eq!(count("START"), count("END"), "seed {seed}");
    assert_eq!(count("REPORT"), everything.usages.load(Ordering::SeqCst), "seed {seed}: each is billed once");
    execution_timeout(Duration::from_secs(20), tasks.drain()).await.unwrap();
}
