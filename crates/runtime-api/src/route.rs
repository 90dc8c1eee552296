//! Which request goes where.

use std::sync::Arc;

use crate::answer::{Wire, error_answer, not_found, text_answer};
use crate::body::Reader;
use crate::head::Head;
use crate::session::Shared;
use crate::{extensions, runtime, telemetry};

/// What to do for a request.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Send this.
    Now(Wire),
    /// Send [`crate::answer::ACCEPTED`].
    Accepted,
    /// Nothing yet: it waits for an event.
    Later,
}

/// What carries a request: the session, the number of its connection, and its body.
pub(crate) async fn answer(shared: &Arc<Shared>, connection: u64, head: &Head, reader: &mut Reader) -> Reply {
    let mut parts = head.path.strip_prefix('/').unwrap_or_default().splitn(3, '/');
    let (version, area, rest) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    match (version, area, rest) {
        ("2018-06-01", "runtime", rest) => runtime_api(shared, connection, head, rest, reader).await,
        ("2020-01-01", "extension", "register") => {
            only("POST", head, extensions::register(shared, head, reader)).await
        }
        ("2020-01-01", "extension", "event/next") => {
            only("GET", head, extensions::next(shared, connection, head, reader)).await
        }
        ("2020-01-01", "extension", "init/error") => {
            only("POST", head, extensions::init_error(shared, head)).await
        }
        ("2020-01-01", "extension", "exit/error") => {
            only("POST", head, extensions::exit_error(shared, head)).await
        }
        ("2022-07-01", "telemetry", "") => {
            only("PUT", head, telemetry::subscribe(shared, head, reader)).await
        }
        ("2020-08-15", "logs", "") => only("PUT", head, async { telemetry::logs_api() }).await,
        ("2018-06-01", "ping", "") | ("ping", "", "") => {
            only("GET", head, async { Reply::Now(text_answer(200, "text/plain", &[], "pong")) }).await
        }
        _ => Reply::Now(not_found()),
    }
}

async fn runtime_api(
    shared: &Arc<Shared>,
    connection: u64,
    head: &Head,
    rest: &str,
    reader: &mut Reader,
) -> Reply {
    match rest {
        "invocation/next" => only("GET", head, runtime::next(shared, connection, reader)).await,
        "init/error" => only("POST", head, runtime::init_error(shared, head, reader)).await,
        _ => {
            let mut parts = rest.splitn(3, '/');
            let (area, request_id, what) = (parts.next(), parts.next().unwrap_or_default(), parts.next());
            match (area, what) {
                (Some("invocation"), Some("response")) => {
                    only("POST", head, runtime::response(shared, head, request_id, reader)).await
                }
                (Some("invocation"), Some("error")) => {
                    only("POST", head, runtime::error(shared, head, request_id, reader)).await
                }
                // `restore/next` and `restore/error` are there only for SnapStart, which starts no environment here.
                _ => Reply::Now(not_found()),
            }
        }
    }
}

async fn only(method: &str, head: &Head, answer: impl Future<Output = Reply>) -> Reply {
    if head.method == method {
        return answer.await;
    }
    Reply::Now(error_answer(405, "MethodNotAllowed", &format!("{} is not allowed here", head.method)))
}
