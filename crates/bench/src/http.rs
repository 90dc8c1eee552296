//! A client that adds as little as possible to what it measures: one connection, blocking, no retries.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clock::Stopwatch;
use serde_json::Value;

/// A kept-alive connection of one account. It is made anew only for a server that closes it after each answer.
#[derive(Debug)]
pub(crate) struct Client {
    address: String,
    connection: BufReader<TcpStream>,
    is_closed: bool,
    account: String,
    body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: &str, account: &str) -> Result<Self> {
        Ok(Self {
            address: address.to_owned(),
            connection: open(address)?,
            is_closed: false,
            account: account.to_owned(),
            body: Vec::new(),
        })
    }

    /// Sends a request of Lambda's API and returns the answer; anything but success is an error.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let status = self.exchange(method, path, "lambda", "", body.as_bytes())?;
        let text = String::from_utf8_lossy(&self.body).into_owned();
        ensure!((200..300).contains(&status), "{method} {path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Invokes a function and returns how long that took here.
    pub(crate) fn invoke(&mut self, function: &str) -> Result<Duration> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let watch = Stopwatch::start();
        let status = self.exchange("POST", &path, "lambda", "", b"{\"key\":\"value\"}")?;
        let took = watch.elapsed();
        ensure!(
            status == 200 && self.body.windows(7).any(|part| part == b"\"value\""),
            "invoke {function}: {status} {}",
            String::from_utf8_lossy(&self.body)
        );
        Ok(took)
    }

    /// Invokes a function asynchronously and returns how long the acceptance took here.
    pub(crate) fn invoke_event(&mut self, function: &str, event: &str) -> Result<Duration> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let watch = Stopwatch::start();
        let header = "X-Amz-Invocation-Type: Event\r\n";
        let status = self.exchange("POST", &path, "lambda", header, event.as_bytes())?;
        let took = watch.elapsed();
        ensure!(status == 202, "invoke {function}: {status} {}", String::from_utf8_lossy(&self.body));
        Ok(took)
    }

    /// Sends a request of SQS's API (AWS JSON 1.0) and returns the answer's body as it came.
    pub(crate) fn queue(&mut self, operation: &str, body: &str) -> Result<&[u8]> {
        let headers =
            format!("X-Amz-Target: AmazonSQS.{operation}\r\nContent-Type: application/x-amz-json-1.0\r\n");
        let status = self.exchange("POST", "/", "sqs", &headers, body.as_bytes())?;
        ensure!(status == 200, "{operation}: {status} {}", String::from_utf8_lossy(&self.body));
        Ok(&self.body)
    }

    /// Sends a request of Kinesis's API (AWS JSON 1.1) and returns the answer's body as it came.
    pub(crate) fn stream(&mut self, operation: &str, body: &str) -> Result<&[u8]> {
        let headers = format!(
            "X-Amz-Target: Kinesis_20131202.{operation}\r\nContent-Type: application/x-amz-json-1.1\r\n\
             X-Amz-Date: 20260101T000000Z\r\n"
        );
        let status = self.exchange("POST", "/", "kinesis", &headers, body.as_bytes())?;
        ensure!(status == 200, "{operation}: {status} {}", String::from_utf8_lossy(&self.body));
        Ok(&self.body)
    }

    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        service: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<u16> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n{headers}Authorization: \
             AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, \
             Signature=0\r\n\r\n",
            body.len(),
            self.account
        )
        .into_bytes();
        request.extend_from_slice(body);
        if self.is_closed {
            self.connection = open(&self.address)?;
        }
        self.connection.get_mut().write_all(&request)?;
        self.read_answer()
    }

    fn read_answer(&mut self) -> Result<u16> {
        let mut line = String::new();
        self.connection.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status line")?;
        let mut length = 0;
        self.is_closed = false;
        loop {
            line.clear();
            ensure!(self.connection.read_line(&mut line)? > 0, "the server closed the connection");
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            } else if name.eq_ignore_ascii_case("connection") {
                self.is_closed = value.trim().eq_ignore_ascii_case("close");
            }
        }
        self.body.resize(length, 0);
        self.connection.read_exact(&mut self.body)?;
        Ok(status)
    }
}

fn open(address: &str) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address).with_context(|| address.to_owned())?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}
