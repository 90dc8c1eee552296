//! A function directory, a Runtime API that the test speaks itself, and the bootstrap as a child process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use runtimes::{Interpreter, Interpreters, Language, Runtime};
use serde_json::Value;
use tempfile::TempDir;

/// Far more than anything here takes: a bootstrap that hangs fails its test.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request of the bootstrap, which waits for its answer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) trailers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Counts the connections.
    pub(crate) connection: usize,
    answer: Sender<Vec<u8>>,
}

impl Request {
    pub(crate) fn answer(&self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let mut bytes = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len()).into_bytes();
        for (name, value) in headers {
            bytes.extend(format!("{name}: {value}\r\n").bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(body);
        self.answer.send(bytes).unwrap();
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    pub(crate) fn trailer(&self, name: &str) -> Option<&str> {
        find(&self.trailers, name)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// What is to be run.
pub(crate) struct Function {
    directory: Rc<TempDir>,
    variables: Vec<(String, String)>,
}

impl Function {
    /// A function of these files, whose paths are below `task`, or below `opt` for layers.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let directory = Rc::new(tempfile::tempdir().unwrap());
        runtimes::write_bootstraps(&directory.path().join("runtime")).unwrap();
        let this = Self { directory, variables: Vec::new() };
        std::fs::create_dir_all(this.task()).unwrap();
        for (path, text) in files {
            let root = if path.starts_with("opt/") { this.root().to_owned() } else { this.task() };
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        this
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn task(&self) -> PathBuf {
        self.root().join("task")
    }

    pub(crate) fn bootstrap(&self, language: Language) -> PathBuf {
        self.root().join("runtime").join(match language {
            Language::Python => runtimes::BOOTSTRAP_PY_FILE,
            Language::Node => runtimes::BOOTSTRAP_MJS_FILE,
        })
    }

    pub(crate) fn variables(&self, handler: &str, address: &str) -> Vec<(String, String)> {
        let root = self.root().display();
        let own = [
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("_HANDLER", handler.to_owned()),
            ("AWS_LAMBDA_RUNTIME_API", address.to_owned()),
            ("LAMBDA_TASK_ROOT", self.task().display().to_string()),
            ("LAMBDA_RUNTIME_DIR", format!("{root}/runtime")),
            ("LAMBENT_OPT_DIR", format!("{root}/opt")),
            ("NODE_PATH", format!("{root}/opt/nodejs/node_modules")),
            ("AWS_LAMBDA_FUNCTION_NAME", "fn".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/fn".to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "stream".to_owned()),
            ("TZ", ":UTC".to_owned()),
        ];
        let mut all: Vec<(String, String)> = own.map(|(name, value)| (name.to_owned(), value)).to_vec();
        all.extend(self.variables.iter().cloned());
        all
    }

    /// Starts the bootstrap for `handler`.
    pub(crate) fn start(&self, interpreter: &Interpreter, handler: &str) -> Running {
        let api = RuntimeApi::start();
        let mut command = Command::new(&interpreter.path);
        if interpreter.language == Language::Python {
            command.args(runtimes::PYTHON_OPTIONS);
        } else {
            command.args(runtimes::NODE_OPTIONS);
        }
        command.arg(self.bootstrap(interpreter.language));
        command.env_clear().envs(self.variables(handler, &api.address));
        Running::spawn(self, command.current_dir(self.task()), api)
    }
}

/// Takes requests from however many connections, in their order.
pub(crate) struct RuntimeApi {
    pub(crate) address: String,
    requests: Receiver<Request>,
}

impl RuntimeApi {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (send, requests) = channel();
        std::thread::spawn(move || {
            for (number, connection) in listener.incoming().enumerate() {
                let (connection, send) = (connection.unwrap(), send.clone());
                std::thread::spawn(move || serve(&connection, number, &send));
            }
        });
        Self { address, requests }
    }
}

fn serve(connection: &TcpStream, number: usize, requests: &Sender<Request>) {
    let mut reader = BufReader::new(connection);
    loop {
        let (answer, answers) = channel();
        let Some(request) = read_request(&mut reader, number, answer) else { return };
        if requests.send(request).is_err() {
            return;
        }
        let Ok(bytes) = answers.recv() else { return };
        let mut writer = connection;
        if writer.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead, connection: usize, answer: Sender<Vec<u8>>) -> Option<Request> {
    let first = read_line(reader)?;
    let headers = read_fields(reader);
    let mut body = Vec::new();
    let mut trailers = Vec::new();
    if find(&headers, "transfer-encoding") == Some("chunked") {
        loop {
            let size = usize::from_str_radix(&read_line(reader)?, 16).unwrap();
            if size == 0 {
                break;
            }
            let start = body.len();
            body.resize(start + size, 0);
            reader.read_exact(&mut body[start..]).ok()?;
            assert_eq!(read_line(reader)?, "");
        }
        trailers = read_fields(reader);
    } else if let Some(length) = find(&headers, "content-length") {
        body.resize(length.parse().unwrap(), 0);
        reader.read_exact(&mut body).ok()?;
    }
    let (method, rest) = first.split_once(' ').unwrap();
    let path = rest.strip_suffix(" HTTP/1.1").unwrap();
    Some(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers,
        trailers,
        body,
        connection,
        answer,
    })
}

fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let count = reader.read_line(&mut line).ok()?;
    (count > 0).then(|| line.trim_end_matches("\r\n").to_owned())
}

fn read_fields(reader: &mut impl BufRead) -> Vec<(String, String)> {
    let lines = std::iter::from_fn(|| read_line(reader).filter(|line| !line.is_empty()));
    lines.map(|line| line.split_once(": ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap()).collect()
}

/// A bootstrap that runs.
pub(crate) struct Running {
    child: Child,
    api: RuntimeApi,
    output: Option<std::thread::JoinHandle<String>>,
    /// Kept as long as it runs, also when the function was a temporary value.
    _directory: Rc<TempDir>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Running {
    pub(crate) fn spawn(function: &Function, command: &mut Command, api: RuntimeApi) -> Self {
        let (mut output, sink) = std::io::pipe().unwrap();
        let child = command.stdout(sink.try_clone().unwrap()).stderr(sink).spawn().unwrap();
        command.stdout(Stdio::null()).stderr(Stdio::null()); // Gives back the writing end.
        let read = move || {
            let mut text = String::new();
            output.read_to_string(&mut text).unwrap();
            text
        };
        Self {
            child,
            api,
            output: Some(std::thread::spawn(read)),
            _directory: Rc::clone(&function.directory),
        }
    }

    /// The next request, whatever it is.
    pub(crate) fn request(&self) -> Request {
        self.api.requests.recv_timeout(PATIENCE).expect("the bootstrap sends a request")
    }

    /// Gives it `event` as invocation `id`.
    pub(crate) fn give(&self, id: &str, event: &str, headers: &[(&str, &str)]) {
        let next = self.request();
        assert_eq!(
            (next.method.as_str(), next.path.as_str()),
            ("GET", "/2018-06-01/runtime/invocation/next")
        );
        let mut all = vec![
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", id),
            ("Lambda-Runtime-Deadline-Ms", "4102444800000"),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:fn"),
        ];
        all.extend(headers);
        next.answer(200, &all, event.as_bytes());
    }

    /// Takes what it posts, which must go to `path`, and accepts it.
    pub(crate) fn take(&self, path: &str) -> Request {
        let request = self.request();
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", format!("/2018-06-01/runtime/{path}").as_str()),
            "{:?}",
            request.text()
        );
        request.answer(202, &[], b"{\"status\":\"OK\"}");
        request
    }

    /// Runs one invocation that succeeds.
    pub(crate) fn invoke(&self, event: &str) -> Request {
        self.give("id-1", event, &[]);
        self.take("invocation/id-1/response")
    }

    /// Runs one invocation that fails.
    pub(crate) fn invoke_failing(&self, event: &str) -> Request {
        self.give("id-1", event, &[]);
        self.take("invocation/id-1/error")
    }

    /// Its exit status and all its output.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap().code();
        (status, self.output.take().unwrap().join().unwrap())
    }

    /// Ends it where it stands; gives its output.
    pub(crate) fn stop(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.output.take().unwrap().join().unwrap()
    }
}

/// A function that fails to initialize: its files and handler, and the error's type and message.
pub(crate) type InitFailure<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str, &'a str);

static HOST: LazyLock<Interpreters> = LazyLock::new(|| Interpreters::new(std::env::vars()));

/// The host's interpreter for `runtime`; without one, says so and gives nothing.
pub(crate) fn find_interpreter(runtime: &str) -> Option<Interpreter> {
    let found = HOST.resolve(Runtime::find(runtime).unwrap(), true);
    found.inspect_err(|error| eprintln!("SKIPPED: {error}")).ok()
}

/// The newest interpreter of `language`; without one, says so and gives nothing.
pub(crate) fn find_newest(language: Language) -> Option<Interpreter> {
    let found = HOST.list().into_iter().find(|found| found.language == language);
    if found.is_none() {
        eprintln!("SKIPPED: there is no {language} on this host");
    }
    found
}
