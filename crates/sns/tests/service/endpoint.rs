//! An HTTP endpoint that answers as told.

use std::collections::BTreeMap;

use serde_json::Value;
use tasks::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What it was sent, and who waits for the answer.
pub(crate) struct Received {
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    stream: TcpStream,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) async fn answer(mut self, status: u16) {
        let answer = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 2\r\n\r\nok");
        self.stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

pub(crate) struct Endpoint {
    pub(crate) url: String,
    received: UnboundedReceiver<Received>,
}

impl Endpoint {
    pub(crate) async fn open(tasks: &Tasks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://user:secret@{}/hook?a=b", listener.local_addr().unwrap());
        let (sender, received) = unbounded_channel();
        tasks.spawn_until_shutdown("endpoint", listen(listener, sender));
        Self { url, received }
    }

    pub(crate) async fn next(&mut self) -> Received {
        self.received.recv().await.unwrap()
    }

    pub(crate) fn is_idle(&mut self) -> bool {
        self.received.try_recv().is_err()
    }
}

async fn listen(listener: TcpListener, sender: UnboundedSender<Received>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        if sender.send(read(stream).await).is_err() {
            return;
        }
    }
}

async fn read(mut stream: TcpStream) -> Received {
    let mut bytes = Vec::new();
    loop {
        let mut more = [0; 65_536];
        let count = stream.read(&mut more).await.unwrap();
        bytes.extend_from_slice(&more[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.lines();
        let target = lines.next().unwrap().to_owned();
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        if body.len() >= headers["content-length"].parse().unwrap() {
            return Received { target, headers, body: body.to_owned(), stream };
        }
    }
}
