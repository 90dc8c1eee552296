//! Accepting connections and carrying on one conversation.

use std::sync::Arc;
use std::time::Duration;

use clock::execution_sleep;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::body::Reader;
use crate::route::{self, Reply};
use crate::session::Shared;
use crate::socket::Socket;

/// One for the runtime, two for each of ten extensions, and some to spare. Further ones wait to be accepted,
/// so that a function cannot make us hold more than this many heads.
const CONNECTIONS_MAX: usize = 32;

/// How long to wait when the host has no file descriptor left.
const ACCEPT_RETRY: Duration = Duration::from_millis(10);

/// Serves connections for as long as it is polled.
pub(crate) async fn accept(shared: &Arc<Shared>, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    for connection in 0_u64.. {
        // The semaphore is never closed.
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let socket = match listener.accept().await {
            Ok((stream, _)) => Socket::new(stream),
            Err(error) => Err(error),
        };
        let socket = match socket {
            Ok(socket) => Arc::new(socket),
            Err(error) => {
                tracing::debug!(%error, "a Runtime API connection could not be accepted");
                execution_sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let guard = Connected::new(shared.clone(), connection);
        let shared = shared.clone();
        shared.clone().config.tasks.spawn("runtime-api connection", async move {
            shared.closing.run_until_cancelled(converse(&shared, connection, socket)).await;
            drop((guard, permit));
        });
    }
}

/// Counts a connection for as long as it lives, and forgets what waits on it afterwards.
struct Connected {
    shared: Arc<Shared>,
    connection: u64,
}

impl Connected {
    fn new(shared: Arc<Shared>, connection: u64) -> Self {
        shared.lock().connections += 1;
        Self { shared, connection }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.unpark(self.connection);
        state.connections -= 1;
        if state.connections == 0 {
            self.shared.vacant.notify_waiters();
        }
    }
}

async fn converse(shared: &Arc<Shared>, connection: u64, socket: Arc<Socket>) {
    let mut reader = Reader::new(socket.clone());
    loop {
        let head = match reader.head().await {
            Ok(Some(head)) => head,
            Ok(None) => return,
            Err(error) => {
                let _gone = socket.write(&error.answer()).await;
                return;
            }
        };
        // A request while another waits for its answer on the same connection: answers would get mixed up.
        if is_waiting(shared, connection) {
            return;
        }
        let sent = match route::answer(shared, connection, &head, &mut reader).await {
            Reply::Later => continue,
            Reply::Accepted => socket.write(crate::answer::ACCEPTED).await,
            Reply::Now(wire) => socket.write(&wire).await,
        };
        if sent.is_err() || head.close || !reader.skip_rest().await {
            return;
        }
    }
}

fn is_waiting(shared: &Shared, connection: u64) -> bool {
    let state = shared.lock();
    let mut parked = state.extensions.iter().filter_map(|e| e.parked.as_ref()).chain(&state.parked);
    parked.any(|parked| parked.connection == connection)
}
