//! Listeners and connections: HTTP/1.1 and cleartext HTTP/2 on one port.

mod handling;
mod line;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clock::execution_sleep;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tasks::Tasks;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use wire::Client;

use handling::Handling;
pub(crate) use line::Caller;
use line::{Line, Watch};

use crate::body::Outgoing;
use crate::pipeline::{Entrance, Pipeline};
use crate::{Config, Origin};

/// How long to wait when the system has no descriptor or memory left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often an HTTP/2 client must show that it is still there, and how long it may take.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(20);

/// HTTP/2 streams open at once on one connection.
const HTTP2_STREAMS_MAX: u32 = 256;

/// What an HTTP/2 client may send ahead on one stream, and on all of a connection.
const HTTP2_STREAM_WINDOW_BYTES: u32 = 1 << 20;
const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// A listener that is being served. Dropped, it accepts nothing more; what is running is finished.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    _stop: DropGuard,
}

impl Listening {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

pub(crate) fn listen(
    pipeline: Arc<Pipeline>,
    tasks: Tasks,
    listener: std::net::TcpListener,
    origin: Origin,
) -> io::Result<Listening> {
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let listener = TcpListener::from_std(listener)?;
    let entrance = Entrance { reach: crate::reach(address), origin };
    let stop = CancellationToken::new();
    let server = Server { pipeline, tasks: tasks.clone(), entrance: Arc::new(entrance), stop: stop.clone() };
    tasks.spawn("accept", server.accept(listener));
    Ok(Listening { address, _stop: stop.drop_guard() })
}

/// What every connection of a listener shares.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) tasks: Tasks,
    pub(crate) entrance: Arc<Entrance>,
    pub(crate) stop: CancellationToken,
}

impl Server {
    async fn accept(self, listener: TcpListener) {
        let connections = Arc::new(Semaphore::new(self.pipeline.config().connections_max));
        loop {
            let accepted = async {
                let permit = Arc::clone(&connections).acquire_owned().await;
                (permit, listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                biased;
                () = self.ended() => return,
                accepted = accepted => accepted,
            };
            let stream = match accepted {
                Ok((stream, _peer)) => stream,
                Err(error) if is_of_the_connection(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    execution_sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            // Small answers must not wait for the acknowledgement of what went before.
            if stream.set_nodelay(true).is_err() {
                continue;
            }
            let server = self.clone();
            self.tasks.spawn("connection", async move {
                server.serve(stream).await;
                drop(permit);
            });
        }
    }

    /// Serves one connection to its end.
    pub(crate) async fn serve<I>(self, stream: I)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let builder = builder(self.pipeline.config(), self.tasks.clone());
        let begun = Arc::new(AtomicBool::new(false));
        let line = Line::new(stream);
        let watch = line.watch();
        let service = service_fn(|request: Request<Incoming>| {
            begun.store(true, Ordering::Relaxed);
            // With HTTP/2 the connection is read by its own task all the time.
            let watch = (request.version() < Version::HTTP_2).then(|| Arc::clone(&watch));
            self.answer(request, watch)
        });
        let mut connection = pin!(builder.serve_connection(TokioIo::new(line), service));
        // Until it knows which version the client speaks, hyper itself waits for ever.
        let mut silence = pin!(execution_sleep(self.pipeline.config().head_timeout));
        let mut ended = pin!(self.ended());
        let (mut watching, mut ending) = (true, false);
        loop {
            tokio::select! {
                result = connection.as_mut() => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "a connection broke");
                    }
                    return;
                }
                () = ended.as_mut(), if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = silence.as_mut(), if watching => {
                    watching = false;
                    if !begun.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
        }
    }

    /// The answer to one request. A handler that panics costs an error, not the connection.
    fn answer(
        &self,
        request: Request<Incoming>,
        watch: Option<Arc<dyn Watch>>,
    ) -> impl Future<Output = Result<Response<Outgoing>, Infallible>> + use<> {
        let (pipeline, entrance) = (Arc::clone(&self.pipeline), Arc::clone(&self.entrance));
        let client = Client::default();
        let caller = Caller { client: client.clone(), watch };
        let handling = Handling::new(self.tasks.clone(), client, {
            let pipeline = Arc::clone(&pipeline);
            async move { pipeline.answer(request, &entrance, caller).await }
        });
        async move {
            // The panic itself has been reported where it happened.
            let response = handling.await.unwrap_or_else(|_panic| pipeline.answer_failure());
            Ok(response.map(Outgoing))
        }
    }

    /// Completes once nothing new is to be accepted.
    async fn ended(&self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.tasks.shutting_down() => {}
        }
    }
}

/// Errors that `accept` passes on from a connection that is already gone (accept(2)).
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn builder(config: &Config, tasks: Tasks) -> Builder<TaskExecutor> {
    let mut builder = Builder::new(TaskExecutor(tasks));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.head_timeout)
        .max_buf_size(config.head_bytes_max as usize)
        // A client may close its sending side after the request and still read the answer.
        .half_close(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(HTTP2_PING_INTERVAL)
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(config.head_bytes_max)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES);
    builder
}

/// Runs hyper's own tasks (HTTP/2 streams) among ours.
#[derive(Clone)]
struct TaskExecutor(Tasks);

impl<F> hyper::rt::Executor<F> for TaskExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn("http2 stream", future);
    }
}

#[cfg(test)]
mod tests;
