use std::time::Duration;

use auth::Mode;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::TokioExecutor;
use ids::IdSource;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;

use super::*;
use crate::testing::{Fake, entrance, fakes, local, origin, pipeline, services};
use crate::{Gateway, Side};

/// A running gateway on a port of its own.
struct Running {
    gateway: Gateway,
    tasks: Tasks,
    listening: Listening,
    lambda: Arc<Fake>,
}

fn listen_locally() -> std::net::TcpListener {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap()
}

fn start() -> Running {
    let (fakes, tasks) = (fakes(), Tasks::new());
    let gateway = Gateway::new(
        Config::default(),
        services(&fakes),
        local(),
        crate::testing::authenticator(Mode::Off),
        IdSource::seeded(1),
        tasks.clone(),
    );
    let listening = gateway.serve(listen_locally(), origin(Side::Host)).unwrap();
    Running { gateway, tasks, listening, lambda: Arc::clone(&fakes[0]) }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.listening.address()).await.unwrap()
    }

    async fn connect_http2(&self) -> SendRequest<Full<Bytes>> {
        let io = TokioIo::new(self.connect().await);
        let (client, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        self.tasks.spawn("client", connection);
        client
    }

    /// A fresh connection is served.
    async fn assert_alive(&self) {
        let mut stream = self.connect().await;
        stream.write_all(invoke("alive").as_bytes()).await.unwrap();
        assert_eq!(read_response(&mut stream).await, (200, "alive".to_owned()));
    }
}

fn invoke(body: &str) -> String {
    let length = body.len();
    format!("{HEAD}content-length: {length}\r\n\r\n{body}")
}

fn http2_post(host: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    Request::builder().method("POST").uri(format!("http://{host}{path}")).body(body).unwrap()
}

const INVOKE: &str = "/2015-03-31/functions/f/invocations";
const HEAD: &str = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: 127.0.0.1\r\n";

fn post(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n")
}

async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn read_response<S: AsyncRead + Unpin>(stream: &mut S) -> (u16, String) {
    let head = read_head(stream).await.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    (head[9..12].parse().unwrap(), String::from_utf8(body).unwrap())
}

/// All that still comes, until the server closes the connection (however it does).
async fn read_rest<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut rest = Vec::new();
    let _reset = stream.read_to_end(&mut rest).await;
    String::from_utf8_lossy(&rest).into_owned()
}

/// One end of a connection that needs no socket, so that its time can be paused.
fn connect_in_memory(fakes: &[Arc<Fake>]) -> DuplexStream {
    let (client, server) = tokio::io::duplex(1 << 16);
    let tasks = Tasks::new();
    let shared = Server {
        pipeline: Arc::new(pipeline(Config::default(), Mode::Off, fakes)),
        tasks: tasks.clone(),
        entrance: Arc::new(entrance(Side::Host)),
        stop: CancellationToken::new(),
    };
    tasks.spawn("connection", shared.serve(server));
    client
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_order() {
    let running = start();
    let mut stream = running.connect().await;
    let pipelined = [invoke("one"), invoke("two"), post("/_lambent/health")].concat();
    stream.write_all(pipelined.as_bytes()).await.unwrap();
    assert_eq!(read_response(&mut stream).await, (200, "one".to_owned()));
    assert_eq!(read_response(&mut stream).await, (200, "two".to_owned()));
    assert_eq!(read_response(&mut stream).await, (200, "own /_lambent/health Loopback".to_owned()));
}

#[tokio::test]
async fn http2_is_served_with_prior_knowledge() {
    let running = start();
    let mut client = running.connect_http2().await;
    let body = "x".repeat(3 << 20);
    let address = running.listening.address().to_string();
    let one = client.send_request(http2_post(&address, INVOKE, &body));
    let two = client.send_request(http2_post("localhost", INVOKE, &body));
    for response in [one.await.unwrap(), two.await.unwrap()] {
        assert_eq!((response.version(), response.status().as_u16()), (http::Version::HTTP_2, 200));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), body);
    }
    let foreign = client.send_request(http2_post("evil.example", INVOKE, "")).await.unwrap();
    assert_eq!(foreign.status(), 403);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let running = start();
    let mut stream = running.connect().await;
    let head = format!("{HEAD}content-length: 4\r\nexpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 100 Continue"));
    stream.write_all(b"body").await.unwrap();
    assert_eq!(read_response(&mut stream).await, (200, "body".to_owned()));
}

#[tokio::test]
async fn a_stream_is_written_as_it_comes() {
    let running = start();
    let chunks = running.lambda.chunks();
    let mut stream = running.connect().await;
    stream.write_all(post("/2015-03-31/functions/f/stream").as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.contains("content-type: application/vnd.amazon.eventstream"), "{head}");
    for text in ["first", "second"] {
        chunks.send(Bytes::from_static(text.as_bytes())).await.unwrap();
        let mut seen = String::new();
        while !seen.contains(text) {
            let mut part = [0; 1024];
            let length = stream.read(&mut part).await.unwrap();
            assert_ne!(length, 0, "closed before {text}");
            seen.push_str(&String::from_utf8_lossy(&part[..length]));
        }
    }
    drop(chunks);
    assert!(read_rest_of_chunked(&mut stream).await);
}

/// Whether the last, empty chunk comes.
async fn read_rest_of_chunked(stream: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    while !seen.ends_with(b"0\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => seen.push(byte),
            Err(_) => return false,
        }
    }
    true
}

#[tokio::test]
async fn a_handler_that_panics_costs_one_error() {
    let running = start();
    let mut stream = running.connect().await;
    stream.write_all(post("/panic").as_bytes()).await.unwrap();
    let (status, body) = read_response(&mut stream).await;
    assert_eq!(status, 500);
    assert!(body.contains("unknown error"), "{body}");
    stream.write_all(invoke("next").as_bytes()).await.unwrap();
    assert_eq!(read_response(&mut stream).await, (200, "next".to_owned()));
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_its_handler() {
    let running = start();
    let (begun, end) = running.lambda.gate();
    let mut client = running.connect_http2().await;
    let abandoned = client.send_request(http2_post("localhost", "/wait", ""));
    begun.await.unwrap();
    // Resets the stream; the next request comes after that on the same connection.
    drop(abandoned);
    let response = client.send_request(http2_post("localhost", INVOKE, "next")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(end.send(()), Ok(()), "the handler still waits");
}

/// Waits until a handler has seen its client go.
async fn seen_to_go(fake: &Fake) {
    let mut gone = fake.gone.subscribe();
    gone.wait_for(|count| *count > 0).await.unwrap();
}

#[tokio::test]
async fn a_handler_is_told_that_its_client_went_away() {
    let running = start();
    let mut stream = running.connect().await;
    stream.write_all(post("/outlast").as_bytes()).await.unwrap();
    running.assert_alive().await;
    assert_eq!(*running.lambda.gone.borrow(), 0);
    drop(stream);
    seen_to_go(&running.lambda).await;

    let running = start();
    let mut client = running.connect_http2().await;
    let abandoned = client.send_request(http2_post("localhost", "/outlast", ""));
    // Answered after it on the same connection: so it has begun.
    client.send_request(http2_post("localhost", INVOKE, "next")).await.unwrap();
    drop(abandoned);
    seen_to_go(&running.lambda).await;
}

#[tokio::test]
async fn a_client_that_only_stops_sending_still_gets_its_answer() {
    let running = start();
    let mut stream = running.connect().await;
    stream.write_all(post("/outlast").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(read_rest(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_stream_without_events_ends_when_its_client_goes_away() {
    let running = start();
    let _no_chunks = running.lambda.chunks();
    let mut stream = running.connect().await;
    stream.write_all(post("/2015-03-31/functions/f/stream").as_bytes()).await.unwrap();
    read_head(&mut stream).await;
    drop(stream);
    seen_to_go(&running.lambda).await;
}

/// Sends parts until one is not taken for a minute; returns how many were.
async fn fill(chunks: &tokio::sync::mpsc::Sender<Bytes>) -> usize {
    let mut taken = 0;
    let part = Bytes::from(vec![b'x'; 1 << 16]);
    while clock::execution_timeout(Duration::from_secs(60), chunks.send(part.clone())).await.is_ok() {
        taken += 1;
    }
    taken
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_holds_up_its_stream() {
    let path = "/2015-03-31/functions/f/stream";
    let fakes = fakes();
    let chunks = fakes[0].chunks();
    let mut stream = connect_in_memory(&fakes);
    stream.write_all(post(path).as_bytes()).await.unwrap();
    read_head(&mut stream).await;
    let taken = fill(&chunks).await;
    assert!((4..40).contains(&taken), "{taken}");

    let chunks = fakes[0].chunks();
    let io = TokioIo::new(connect_in_memory(&fakes));
    let (mut client, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    Tasks::new().spawn("client", connection);
    let response = client.send_request(http2_post("localhost", path, "")).await.unwrap();
    let taken = fill(&chunks).await;
    assert!((4..80).contains(&taken), "{taken}");
    drop(response);
    // Nobody takes what would come.
    chunks.closed().await;
}

#[tokio::test]
async fn what_is_sent_ahead_waits_for_its_turn() {
    let running = start();
    let (begun, end) = running.lambda.gate();
    let mut stream = running.connect().await;
    stream.write_all(post("/wait").as_bytes()).await.unwrap();
    begun.await.unwrap();
    let long = "x".repeat(5_000);
    stream.write_all([invoke("one"), invoke(&long)].concat().as_bytes()).await.unwrap();
    running.assert_alive().await;
    end.send(()).unwrap();
    assert_eq!(read_response(&mut stream).await.0, 200);
    assert_eq!(read_response(&mut stream).await, (200, "one".to_owned()));
    assert_eq!(read_response(&mut stream).await, (200, long));
}

#[tokio::test]
async fn the_end_waits_for_what_is_running_and_accepts_nothing_new() {
    let running = start();
    let (begun, end) = running.lambda.gate();
    let mut idle = running.connect().await;
    idle.write_all(invoke("idle").as_bytes()).await.unwrap();
    read_response(&mut idle).await;
    let mut stream = running.connect().await;
    stream.write_all(post("/wait").as_bytes()).await.unwrap();
    begun.await.unwrap();

    running.tasks.announce_shutdown();
    assert_eq!(read_rest(&mut idle).await, "", "an idle connection is closed");
    assert!(TcpStream::connect(running.listening.address()).await.is_err());
    end.send(()).unwrap();
    let answer = read_rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    running.tasks.drain().await;
}

#[tokio::test]
async fn listeners_come_and_go_one_by_one() {
    let running = start();
    let inside = running.gateway.serve(listen_locally(), origin(Side::Function)).unwrap();
    let mut stream = TcpStream::connect(inside.address()).await.unwrap();
    stream.write_all(post("/_lambent/health").as_bytes()).await.unwrap();
    assert_eq!(read_response(&mut stream).await.0, 403);
    let address = inside.address();
    drop(inside);
    assert_eq!(read_rest(&mut stream).await, "");
    assert!(TcpStream::connect(address).await.is_err());
    running.assert_alive().await;
}

#[tokio::test]
async fn a_half_closed_connection_still_gets_its_answer() {
    let running = start();
    let (begun, end) = running.lambda.gate();
    let mut stream = running.connect().await;
    stream.write_all(post("/wait").as_bytes()).await.unwrap();
    begun.await.unwrap();
    stream.shutdown().await.unwrap();
    running.assert_alive().await;
    end.send(()).unwrap();
    let answer = read_rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_body_that_ends_early_is_refused() {
    let running = start();
    let mut stream = running.connect().await;
    stream.write_all(format!("{HEAD}content-length: 10\r\n\r\nshort").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = read_rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    running.assert_alive().await;
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let running = start();
    let long = "x".repeat(100 << 10);
    let many = "a: b\r\n".repeat(1000);
    for (request, status) in [
        (format!("{HEAD}x-long: {long}\r\n\r\n"), "431"),
        (format!("{HEAD}{many}\r\n"), "431"),
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), "4"),
        (format!("{HEAD}content-length: -1\r\n\r\n"), "400"),
        (format!("{HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\nab"), "400"),
        (format!("{HEAD}content-length: 99999999999999999999\r\n\r\n"), "400"),
        (format!("{HEAD}content-length: 99999999999\r\n\r\n"), "413"),
        (format!("{HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n"), "400"),
        (format!("{HEAD}transfer-encoding: gzip\r\n\r\n"), "400"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "400"),
        ("\0\0\0\0\r\n\r\n".to_owned(), "400"),
    ] {
        let mut stream = running.connect().await;
        // The server may close before it has read all of it.
        let _refused = stream.write_all(request.as_bytes()).await;
        let _closed = stream.shutdown().await;
        let answer = read_rest(&mut stream).await;
        let expected = format!("HTTP/1.1 {status}");
        let shown = &request[..request.len().min(120)];
        // A reset may overtake the answer when the server leaves unread data behind.
        assert!(
            answer.is_empty() && request.len() > 1000 || answer.starts_with(&expected),
            "{shown}: {answer}"
        );
        running.assert_alive().await;
    }
}

#[tokio::test]
async fn random_bytes_do_no_harm() {
    let running = start();
    let random = IdSource::seeded(42);
    for round in 0..200 {
        let mut stream = running.connect().await;
        let mut bytes = vec![0; usize::try_from(random.bits() % 2048).unwrap()];
        random.fill(&mut bytes);
        // Some begin like a request, so that more than the request line is reached.
        let start: &[u8] = match round % 4 {
            0 => b"",
            1 => HEAD.as_bytes(),
            2 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            _ => b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
        };
        let _refused = stream.write_all(&[start, &bytes].concat()).await;
        let _closed = stream.shutdown().await;
        read_rest(&mut stream).await;
    }
    running.assert_alive().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_slow_with_its_head_is_disconnected() {
    for start in ["", "P", "PRI * HTTP/2.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HEAD] {
        let mut stream = connect_in_memory(&fakes());
        let (elapsed, limit) = (PausedTime::start(), Duration::from_secs(30));
        stream.write_all(start.as_bytes()).await.unwrap();
        read_rest(&mut stream).await;
        assert!((limit..limit * 2).contains(&elapsed.elapsed()), "{start:?} {:?}", elapsed.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_and_a_long_request_is_not() {
    let fakes = fakes();
    let (begun, end) = fakes[0].gate();
    let mut stream = connect_in_memory(&fakes);
    stream.write_all(post("/wait").as_bytes()).await.unwrap();
    begun.await.unwrap();
    execution_sleep(Duration::from_secs(900)).await;
    end.send(()).unwrap();
    assert_eq!(read_response(&mut stream).await.0, 200);
    let elapsed = PausedTime::start();
    assert_eq!(read_rest(&mut stream).await, "");
    assert!(elapsed.elapsed() >= Duration::from_secs(29), "{:?}", elapsed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_coming_is_given_up() {
    let mut stream = connect_in_memory(&fakes());
    stream.write_all(format!("{HEAD}content-length: 10\r\n\r\nshort").as_bytes()).await.unwrap();
    let elapsed = PausedTime::start();
    let answer = read_rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(elapsed.elapsed() >= Duration::from_secs(60));
}

/// The time that a paused test runs on.
struct PausedTime(tokio::time::Instant);

impl PausedTime {
    #[expect(clippy::disallowed_methods, reason = "the paused time of the runtime is what is measured")]
    fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
