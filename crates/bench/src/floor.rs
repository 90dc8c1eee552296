//! The floor: a bare process that answers the Runtime API, without a sandbox and without a front door.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use clock::Stopwatch;

use crate::function::{Kind, compile};
use crate::statistics::Summary;

const EVENT: &str = "{\"key\":\"value\"}";

/// A bare process with its connection parked in `/next`.
struct Bare {
    child: Child,
    runtime: BufReader<TcpStream>,
    _listener: TcpListener,
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_reaped = self.child.wait();
    }
}

impl Bare {
    fn start(kind: Kind, scratch: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut command = command(kind, scratch)?;
        command
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
            .env("_HANDLER", "index.handler")
            .env("LAMBDA_TASK_ROOT", scratch)
            .env("AWS_LAMBDA_FUNCTION_NAME", "bare")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "bare")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bare")
            .current_dir(scratch)
            .stdout(Stdio::null());
        let child = command.spawn().context("the bare process cannot be started")?;
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let mut bare = Self { child, runtime: BufReader::new(stream), _listener: listener };
        bare.read_request()?;
        Ok(bare)
    }

    /// Hands out an event and waits for the response, then for the next `/next`. Returns the first wait.
    fn invoke(&mut self) -> Result<Duration> {
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: \
             00000000-0000-4000-8000-000000000000\r\nLambda-Runtime-Deadline-Ms: 9999999999999\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:111111111111:function:bare\r\n\
             Content-Length: {}\r\n\r\n{EVENT}",
            EVENT.len()
        );
        let watch = Stopwatch::start();
        self.runtime.get_mut().write_all(answer.as_bytes())?;
        self.read_request()?;
        let took = watch.elapsed();
        let accepted = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
        self.runtime.get_mut().write_all(accepted.as_bytes())?;
        self.read_request()?;
        Ok(took)
    }

    fn read_request(&mut self) -> Result<()> {
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            anyhow::ensure!(self.runtime.read_line(&mut line)? > 0, "the bare process has gone");
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.runtime.read_exact(&mut body)?;
        Ok(())
    }
}

fn command(kind: Kind, scratch: &Path) -> Result<Command> {
    Ok(match kind {
        Kind::Custom => Command::new(compile(scratch)?),
        Kind::Python | Kind::Stamp | Kind::Relay | Kind::Slow => {
            std::fs::write(scratch.join("index.py"), include_str!("../functions/index.py"))?;
            let bootstrap = scratch.join(runtimes::BOOTSTRAP_PY_FILE);
            std::fs::write(&bootstrap, runtimes::BOOTSTRAP_PY)?;
            let mut command = Command::new(python()?);
            command.args(runtimes::PYTHON_OPTIONS).arg(bootstrap);
            command
        }
        Kind::Node => {
            std::fs::write(scratch.join("index.mjs"), include_str!("../functions/index.mjs"))?;
            let bootstrap = scratch.join(runtimes::BOOTSTRAP_MJS_FILE);
            std::fs::write(&bootstrap, runtimes::BOOTSTRAP_MJS)?;
            let mut command = Command::new("node");
            command.args(runtimes::NODE_OPTIONS).arg(bootstrap);
            command
        }
    })
}

/// The interpreter itself: `python3` may be a version manager's script, which takes longer than Python does.
fn python() -> Result<&'static str> {
    static PYTHON: OnceLock<String> = OnceLock::new();
    if let Some(found) = PYTHON.get() {
        return Ok(found);
    }
    let output = Command::new("python3.11").args(["-c", "import sys; print(sys.executable)"]).output()?;
    let found = String::from_utf8(output.stdout)?.trim().to_owned();
    Ok(PYTHON.get_or_init(|| found))
}

/// From handing out an event to its response, on a bare process that waits for it.
pub(crate) fn warm(kind: Kind, rounds: usize, scratch: &Path) -> Result<Summary> {
    let mut bare = Bare::start(kind, scratch)?;
    for _ in 0..rounds.min(200) {
        bare.invoke()?;
    }
    let series: Result<Vec<Duration>> = (0..rounds).map(|_| bare.invoke()).collect();
    Ok(Summary::of(series?))
}

/// From starting a bare process to its first response.
pub(crate) fn cold(kind: Kind, rounds: usize, scratch: &Path) -> Result<Summary> {
    // What is compiled or looked for once is no part of it.
    drop(Bare::start(kind, scratch)?);
    let mut series = Vec::new();
    for _ in 0..rounds {
        let watch = Stopwatch::start();
        let mut bare = Bare::start(kind, scratch)?;
        let ready = watch.elapsed();
        series.push(ready + bare.invoke()?);
    }
    Ok(Summary::of(series))
}
