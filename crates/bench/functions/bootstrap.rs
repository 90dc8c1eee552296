//! A custom runtime in one file and without dependencies: the Runtime API over a plain TCP connection.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn main() -> std::io::Result<()> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").expect("Lambda says where its Runtime API is");
    let mut connection = BufReader::new(TcpStream::connect(&api)?);
    connection.get_ref().set_nodelay(true)?;
    loop {
        let next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: lambda\r\n\r\n";
        let (request_id, event) = exchange(&mut connection, next.to_owned())?;
        let answer = event;
        let response = format!(
            "POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\r\nHost: lambda\r\n\
             Content-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        exchange(&mut connection, response)?;
    }
}

/// Sends a request; returns the request id and the body of the answer.
fn exchange(connection: &mut BufReader<TcpStream>, request: String) -> std::io::Result<(String, String)> {
    connection.get_mut().write_all(request.as_bytes())?;
    let (mut request_id, mut length) = (String::new(), 0);
    let mut line = String::new();
    loop {
        line.clear();
        if connection.read_line(&mut line)? == 0 {
            std::process::exit(0);
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line == "\r\n" {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "lambda-runtime-aws-request-id" => request_id = value.to_owned(),
            "content-length" => length = value.parse().expect("a length is a number"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok((request_id, String::from_utf8(body).expect("an event is text")))
}
