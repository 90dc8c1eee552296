//! What the demo shows, step by step. Each step checks that it did what it says.

mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use clock::Stopwatch;
use runtimes::{Interpreters, Kind, Runtime};
use serde_json::Value;

use super::client::Client;
use super::packages;
use crate::arguments::Arguments;
use crate::environment;
use crate::failure::Failure;
use crate::terminal::{line, paint};

const DEAD_LETTERS: &str = "TargetArn=arn:aws:sqs:us-east-1:000000000000:lambda-dlq";

const ROLE: &str = "arn:aws:iam::000000000000:role/lambda-role";

/// The walk through the main job.
#[derive(Debug)]
pub(crate) struct Walk {
    client: Client,
    endpoint: String,
    folder: PathBuf,
    python: &'static str,
}

impl Walk {
    pub(crate) fn new(client: Client, endpoint: String, folder: &Path) -> Result<Self, Failure> {
        packages::write(folder)?;
        Ok(Self { client, endpoint, folder: folder.to_owned(), python: python_runtime()? })
    }

    pub(crate) fn all_steps(&mut self) -> Result<(), Failure> {
        self.step("No function yet");
        let listed = self.json(&["lambda", "list-functions"])?;
        check(listed["Functions"] == Value::Array(Vec::new()), "the list of functions is empty")?;

        self.python()?;
        self.failures()?;
        self.dead_letter()?;
        self.queue()?;
        self.stream()?;
        self.node()?;
        self.custom()?;
        self.logs()?;
        self.bill()
    }

    fn python(&self) -> Result<(), Failure> {
        self.step("A Python function is created");
        self.create("hello", self.python, "hello.handler", &[])?;

        self.step("Invoked synchronously: the first call starts an environment");
        let first = self.invoke("hello", r#"{"name": "world"}"#)?;
        check(first.payload["message"] == "Hello, world!", "the function greets the world")?;
        check(first.log.contains("Init Duration"), "the first call was a cold start")?;

        self.step("Invoked again: the same environment, warm, with its /tmp");
        let second = self.invoke("hello", r#"{"name": "again"}"#)?;
        check(second.payload["invocation"] == 2, "/tmp was kept")?;
        check(!second.log.contains("Init Duration"), "the second call was warm")
    }

    fn failures(&self) -> Result<(), Failure> {
        self.step("A handler that fails: the call succeeds, and says that the function did not");
        self.create("failing", self.python, "failing.handler", &[])?;
        let failed = self.invoke("failing", "{}")?;
        check(failed.answer["FunctionError"] == "Unhandled", "FunctionError is Unhandled")?;
        check(failed.payload["errorType"] == "ValueError", "the payload names the exception")?;

        self.step("A handler that never ends: stopped at its time-out, with everything it started");
        self.create("slow", self.python, "slow.handler", &["--timeout", "1"])?;
        let slow = self.invoke("slow", "{}")?;
        check(slow.payload["errorType"] == "Sandbox.Timedout", "the payload says that the task timed out")
    }

    fn dead_letter(&self) -> Result<(), Failure> {
        self.step("A queue for what fails for good: the dead-letter queue of the failing function");
        let created = self.json(&["sqs", "create-queue", "--queue-name", "lambda-dlq"])?;
        let queue = created["QueueUrl"].as_str().unwrap_or_default().to_owned();
        let update = ["lambda", "update-function-configuration", "--function-name", "failing"];
        self.run(
            &[&update[..], &["--dead-letter-config", DEAD_LETTERS, "--query", "DeadLetterConfig"]].concat(),
        )?;
        self.run(&["lambda", "wait", "function-updated-v2", "--function-name", "failing"])?;

        self.step("Invoked asynchronously: the event is on disk, and the caller gets 202 and leaves");
        let invoke = ["lambda", "invoke", "--function-name", "failing", "--invocation-type", "Event"];
        let rest = ["--payload", r#"{"order": 7}"#, "response.json"];
        let accepted = self.json(&[&invoke[..], self.client.raw_payload(), &rest[..]].concat())?;
        check(accepted["StatusCode"] == 202, "the status is 202")?;

        self.step("It fails, and is tried again after one minute and after two more: the clock is virtual, and is turned");
        let watch = Stopwatch::start();
        self.lambent(&["clock", "advance", "1m"])?;
        self.lambent(&["clock", "advance", "2m"])?;
        line(&format!(
            "  {}",
            paint("33", &format!("three minutes in {:.2} s", watch.elapsed().as_secs_f64()))
        ));

        self.step("After the third attempt the event is in lambda-dlq, as it came");
        let receive = ["sqs", "receive-message", "--queue-url", &queue, "--message-attribute-names", "All"];
        let received = self.json(&receive)?;
        let message = &received["Messages"][0];
        check(message["Body"] == r#"{"order": 7}"#, "the body is the event")?;
        let id = message["MessageAttributes"]["RequestID"]["StringValue"].as_str().unwrap_or_default();
        let group = ["--log-group-name", "/aws/lambda/failing", "--filter-pattern"];
        let query = [&format!("\"START RequestId: {id}\""), "--query", "length(events)", "--output", "text"];
        let attempts = self.run(&[&["logs", "filter-log-events"], &group[..], &query[..]].concat())?;
        check(attempts.trim() == "3", "three attempts are in the log, under one request id")?;

        self.step("The whole story of that event");
        self.lambent(&["trace", id])
    }

    fn node(&self) -> Result<(), Failure> {
        self.step("A Node.js function");
        let Some(runtime) = node_runtime() else {
            line("  left out: there is no Node.js on this host");
            return Ok(());
        };
        self.create("square", &runtime, "index.handler", &[])?;
        let squared = self.invoke("square", r#"{"number": 12}"#)?;
        check(squared.payload["square"] == 144, "twelve was squared")
    }

    fn custom(&self) -> Result<(), Failure> {
        self.step("A custom runtime: a program of your own that speaks the Runtime API");
        // It is compiled here, and without a word on it a function is for x86_64.
        let architecture = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x86_64" };
        self.create("echo", "provided.al2023", "bootstrap", &["--architectures", architecture])?;
        let echoed = self.invoke("echo", r#"{"key": "value"}"#)?;
        check(echoed.payload["echo"]["key"] == "value", "the event came back")
    }

    fn logs(&self) -> Result<(), Failure> {
        self.step("The logs of all that, in CloudWatch Logs");
        let group = ["--log-group-name", "/aws/lambda/hello"];
        let query = ["--query", "events[].message", "--output", "text"];
        let text = self.run(&[&["logs", "filter-log-events"], &group[..], &query[..]].concat())?;
        check(text.contains("hello from hello"), "what the function printed is in its log group")
    }

    fn bill(&self) -> Result<(), Failure> {
        self.step("What it would have cost on AWS");
        self.lambent(&["cost"])
    }

    /// Shows one of our own commands as a user would type it, and runs it.
    fn lambent(&self, arguments: &[&str]) -> Result<(), Failure> {
        let arguments = [&["lambent"], arguments, &["--endpoint", &self.endpoint]].concat();
        line(&format!("{} {}", paint("1;34", "$"), paint("1", &arguments.join(" "))));
        crate::run(Arguments::parse_from(arguments)).map(|_| ())
    }

    fn create(&self, name: &str, runtime: &str, handler: &str, more: &[&str]) -> Result<(), Failure> {
        let code = format!("fileb://{}.zip", name);
        let create = ["lambda", "create-function", "--function-name", name, "--runtime", runtime];
        let rest = ["--handler", handler, "--role", ROLE, "--zip-file", &code];
        let created = self.json(&[&create[..], &rest[..], more].concat())?;
        check(created["FunctionName"] == name, "the function was created")?;
        self.run(&["lambda", "wait", "function-active-v2", "--function-name", name]).map(|_| ())
    }

    fn invoke(&self, name: &str, payload: &str) -> Result<Invoked, Failure> {
        let invoke = ["lambda", "invoke", "--function-name", name, "--log-type", "Tail"];
        let rest = ["--payload", payload, "response.json"];
        let answer = self.json(&[&invoke[..], self.client.raw_payload(), &rest[..]].concat())?;
        check(answer["StatusCode"] == 200, "the status is 200")?;
        let text = fs::read_to_string(self.folder.join("response.json"))?;
        line(&format!("{} cat response.json\n  {text}", paint("1;34", "$")));
        let log = STANDARD.decode(answer["LogResult"].as_str().unwrap_or_default())?;
        let log = String::from_utf8_lossy(&log).into_owned();
        line(&paint("2", "  the log's tail, decoded:"));
        for text in log.lines() {
            line(&paint("2", &format!("    {}", text.trim_end())));
        }
        line(&format!("  {}", paint("33", &cost_line(&log)?)));
        Ok(Invoked { payload: serde_json::from_str(&text)?, answer, log })
    }

    fn step(&self, title: &str) {
        line(&format!("\n{}", paint("1;35", &format!("# {title}"))));
    }

    fn json(&self, arguments: &[&str]) -> Result<Value, Failure> {
        let answer = self.run(arguments)?;
        Ok(serde_json::from_str(&answer)?)
    }

    fn run(&self, arguments: &[&str]) -> Result<String, Failure> {
        self.client.run(&self.endpoint, &self.folder, arguments)
    }
}

/// The runtime for the demo's Python: 3.12 where it can be had, otherwise the newest that the host has.
fn python_runtime() -> Result<&'static str, Failure> {
    let interpreters = Interpreters::new(environment::all());
    let newest_first =
        Runtime::all().iter().rev().filter(|runtime| matches!(runtime.kind, Kind::Python { .. }));
    let found = Runtime::find("python3.12")
        .into_iter()
        .chain(newest_first)
        .find(|runtime| interpreters.resolve(runtime, false).is_ok());
    found.map(|runtime| runtime.name).ok_or_else(|| {
        Failure::new("there is no Python 3 on this host that functions could run on", "install python3")
    })
}

/// The runtime of the Node.js that is here; odd versions never become one, and their predecessors do.
fn node_runtime() -> Option<String> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    let major: u32 = version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()?;
    Some(format!("nodejs{}.x", major - major % 2))
}

/// What came of a call.
struct Invoked {
    answer: Value,
    payload: Value,
    log: String,
}

/// What a call cost, from the figures of its REPORT line.
fn cost_line(log: &str) -> Result<String, Failure> {
    let figure = |name: &str| -> Option<u64> {
        let (_, rest) = log.split_once(name)?;
        rest.split_whitespace().next()?.parse().ok()
    };
    match (figure("Billed Duration: "), figure("Memory Size: ")) {
        (Some(billed_ms), Some(memory_mb)) => Ok(metering::call_cost(billed_ms, memory_mb)),
        _ => {
            Err(Failure::new("the log has no REPORT line", "this is a fault of Lambent's: please report it"))
        }
    }
}

fn check(holds: bool, what: &str) -> Result<(), Failure> {
    if holds {
        line(&format!("  {} {what}", paint("32", "✓")));
        return Ok(());
    }
    Err(Failure::new(format!("this does not hold: {what}"), "this is a fault of Lambent's: please report it"))
}
