//! The engine as the services hold it.

use std::sync::Arc;
use std::time::Duration;

use clock::execution_timeout;
use ids::{AccountId, FunctionArn, Region};
use runtime_api::ShutdownReason;

use crate::engine::Engine;
use crate::pool::Snapshot;
use crate::{
    Invocation, InvokeError, InvokerParts, Outcome, ProvisionedStatus, SharedFunction, expiry, invocation,
};

/// Runs functions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Invoker {
    engine: Arc<Engine>,
}

impl Invoker {
    /// Starts the work that goes on in the background.
    #[must_use]
    pub fn new(parts: InvokerParts) -> Self {
        let engine = Engine::new(parts);
        let tasks = &engine.parts.tasks;
        tasks.spawn_until_shutdown("expire environments", expiry::expire_idle(engine.clone()));
        tasks.spawn_until_shutdown("tend environments", expiry::tend(engine.clone()));
        Self { engine }
    }

    /// Runs an invocation. When the future is dropped the function still runs to its end, as on AWS.
    ///
    /// # Errors
    /// [`InvokeError::Throttled`] when there is no concurrency or room left, [`InvokeError::Internal`] when an
    /// environment cannot be made. What the function does wrong is an [`Outcome`].
    pub async fn invoke(&self, invocation: Invocation) -> Result<Outcome, InvokeError> {
        invocation::invoke(&self.engine, invocation).await
    }

    /// Says that a function is likely to be invoked soon, so that what its environments have in common with others
    /// is made ahead of need, and environments of older revisions end. A hint, in the background.
    pub fn expect(&self, function: &SharedFunction) {
        for environment in self.engine.pool.adopt(function) {
            self.engine.dispose(&environment, ShutdownReason::Spindown);
        }
        let expected = self.engine.clone().expect(function.clone());
        self.engine.parts.tasks.spawn("expect environments", expected);
    }

    /// Keeps `count` environments of a version initialized, from now on and in the background; 0 ends it. Does
    /// not outlive the process: the caller sets it again after a start.
    pub fn set_provisioned(&self, function: &SharedFunction, count: u32) {
        self.engine.set_provisioned(function, count);
    }

    /// How far the provisioning of a version has come. `arn` has the version as qualifier.
    #[must_use]
    pub fn provisioned(&self, arn: &FunctionArn) -> ProvisionedStatus {
        self.engine.provisioned(arn)
    }

    /// Reserves concurrency for a function, so that others of its account cannot use it; `None` ends it. Does
    /// not outlive the process. Every [`Invocation`] brings the figure along as well.
    pub fn set_reserved(&self, arn: &FunctionArn, reserved: Option<u32>) {
        self.engine.pool.set_reserved(arn, reserved);
    }

    /// Sets the concurrency of an account in a region.
    pub fn set_account_concurrency(&self, account: &AccountId, region: &Region, limit: u32) {
        self.engine.pool.set_limit(account, region, limit);
    }

    /// The concurrency of an account in a region.
    #[must_use]
    pub fn account_concurrency(&self, account: &AccountId, region: &Region) -> u32 {
        self.engine.pool.limit(account, region)
    }

    /// A function, or the version that `arn` names, has been deleted: what it has standing by is ended, what
    /// runs is ended when it is done.
    pub fn forget(&self, arn: &FunctionArn) {
        for environment in self.engine.pool.forget(arn) {
            self.engine.dispose(&environment, ShutdownReason::Spindown);
        }
    }

    /// What runs and what stands by.
    #[must_use]
    pub fn concurrency(&self) -> Vec<Snapshot> {
        self.engine.pool.snapshot()
    }

    /// Takes no invocation any more, gives the running ones up to `limit` to end, and ends every environment.
    pub async fn shut_down(&self, limit: Duration) {
        self.engine.pool.lock().closing = true;
        if execution_timeout(limit, self.engine.pool.all_landed()).await.is_err() {
            tracing::warn!("invocations were still running when their time for the shutdown was over");
        }
        for environment in self.engine.pool.environments() {
            self.engine.dispose(&environment, ShutdownReason::Spindown);
        }
        self.engine.pool.empty().await;
    }
}
