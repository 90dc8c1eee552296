//! A request being handled.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use tasks::Tasks;
use wire::Client;

/// Runs a handler within its connection's task, and on without it when the client goes away: a handler is never
/// stopped half-way. A task of its own from the start would do the same, but costs tens of microseconds whenever
/// another core picks it up.
pub(super) struct Handling<T: Send + 'static> {
    /// Nothing once it has completed.
    handler: Option<BoxFuture<'static, Result<T, Panic>>>,
    client: Client,
    tasks: Tasks,
}

/// What a handler that failed beyond repair left behind.
pub(super) type Panic = Box<dyn Any + Send>;

impl<T: Send + 'static> Handling<T> {
    pub(super) fn new(
        tasks: Tasks,
        client: Client,
        handler: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        // What a handler shares with others is behind locks that survive a panic, as it would be between tasks.
        Self { handler: Some(AssertUnwindSafe(handler).catch_unwind().boxed()), client, tasks }
    }
}

impl<T: Send + 'static> Future for Handling<T> {
    type Output = Result<T, Panic>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(handler) = &mut self.handler else { return Poll::Pending };
        let result = handler.as_mut().poll(context);
        if result.is_ready() {
            self.handler = None;
        }
        result
    }
}

impl<T: Send + 'static> Drop for Handling<T> {
    fn drop(&mut self) {
        if self.handler.is_some() {
            self.client.hang_up();
        }
        // Without a runtime nothing runs on anyway.
        if let Some(handler) = self.handler.take()
            && tokio::runtime::Handle::try_current().is_ok()
        {
            self.tasks.spawn("abandoned request", handler);
        }
    }
}
