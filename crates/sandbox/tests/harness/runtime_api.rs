//! Just enough of the Runtime API to make a function work.

use sandbox::Environment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request of the runtime's.
#[derive(Debug)]
pub struct Call {
    pub path: String,
    pub body: String,
}

/// The server's end of an environment's Runtime API.
pub struct RuntimeApi {
    listener: TcpListener,
    stream: Option<TcpStream>,
    unread: Vec<u8>,
    events: u32,
}

impl RuntimeApi {
    pub fn of(environment: &Environment) -> Self {
        let listener = environment.runtime_api.try_clone().unwrap();
        Self {
            listener: TcpListener::from_std(listener).unwrap(),
            stream: None,
            unread: Vec::new(),
            events: 0,
        }
    }

    /// The next request. Asking for events is answered by [`RuntimeApi::invoke`].
    pub async fn hear(&mut self) -> Call {
        loop {
            if self.stream.is_none() {
                let (stream, _) = self.listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                self.stream = Some(stream);
                self.unread.clear();
            }
            match self.read_call().await {
                Some(call) => return call,
                None => self.stream = None,
            }
        }
    }

    async fn read_call(&mut self) -> Option<Call> {
        loop {
            if let Some(call) = self.take_call() {
                return Some(call);
            }
            let mut part = [0; 65536];
            let read = self.stream.as_mut()?.read(&mut part).await.ok()?;
            if read == 0 {
                return None;
            }
            self.unread.extend_from_slice(&part[..read]);
        }
    }

    fn take_call(&mut self) -> Option<Call> {
        let end = self.unread.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&self.unread[..end]).into_owned();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse::<usize>().unwrap());
        if self.unread.len() < end + length {
            return None;
        }
        let path = head.split_whitespace().nth(1).unwrap().to_owned();
        let body = String::from_utf8_lossy(&self.unread[end..end + length]).into_owned();
        self.unread.drain(..end + length);
        Some(Call { path, body })
    }

    async fn answer(&mut self, status: &str, headers: &str, body: &str) {
        let text = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        self.stream.as_mut().unwrap().write_all(text.as_bytes()).await.unwrap();
    }

    /// Waits until the runtime asks for an event.
    pub async fn ready(&mut self) {
        let call = self.hear().await;
        assert!(call.path.ends_with("/runtime/invocation/next"), "{call:?}");
    }

    /// Gives it one and waits for what it answers: the body of the response or of the error.
    pub async fn invoke(&mut self, event: &str) -> String {
        self.events += 1;
        let headers = format!(
            "content-type: application/json\r\nLambda-Runtime-Aws-Request-Id: request-{}\r\n\
             Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:000000000000:function:test\r\n",
            self.events
        );
        self.answer("200 OK", &headers, event).await;
        let call = self.hear().await;
        self.answer("202 Accepted", "", "{\"status\":\"OK\"}").await;
        call.body
    }
}
