//! A custom runtime in one file and without dependencies: counts the words of a text.
//!
//! The Runtime API is plain HTTP/1.1: ask for the next event, answer it, and so on. With AWS's `lambda_runtime` crate all
//! but `handle` comes from there.

use std::env;
use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::TcpStream;

fn main() -> Result<()> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").map_err(Error::other)?;
    let mut runtime = Runtime { connection: BufReader::new(TcpStream::connect(api)?) };
    loop {
        let (request_id, event) = runtime.call("GET", "next", "")?;
        let (path, body) = match handle(&event) {
            Ok(answer) => ("response", answer),
            Err(error) => ("error", error),
        };
        runtime.call("POST", &format!("{request_id}/{path}"), &body)?;
    }
}

/// The function itself: an event in, an answer or an error out, all of them JSON.
fn handle(event: &str) -> std::result::Result<String, String> {
    let text = event.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match text {
        Some(text) => Ok(format!("{{\"words\":{}}}", text.split_whitespace().count())),
        None => Err(r#"{"errorType":"NotAText","errorMessage":"the event has to be a text"}"#.to_owned()),
    }
}

struct Runtime {
    connection: BufReader<TcpStream>,
}

impl Runtime {
    /// Sends a request; returns the request id and the body of the answer.
    fn call(&mut self, method: &str, path: &str, body: &str) -> Result<(String, String)> {
        let length = body.len();
        let request = format!(
            "{method} /2018-06-01/runtime/invocation/{path} HTTP/1.1\r\nHost: lambda\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.connection.get_mut().write_all(request.as_bytes())?;
        let (mut request_id, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if self.connection.read_line(&mut line)? == 0 {
                // The environment ends.
                std::process::exit(0);
            }
            let Some((name, value)) = line.trim_end().split_once(':') else {
                if line == "\r\n" {
                    break;
                }
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "lambda-runtime-aws-request-id" => request_id = value.trim().to_owned(),
                "content-length" => length = value.trim().parse().map_err(Error::other)?,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body)?;
        Ok((request_id, String::from_utf8(body).map_err(Error::other)?))
    }
}
