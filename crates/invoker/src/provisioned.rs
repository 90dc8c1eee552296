//! Environments that are started ahead of need and kept.

use std::sync::Arc;

use ids::FunctionArn;

use crate::engine::Engine;
use crate::function::SharedFunction;
use crate::lifecycle::LaunchError;
use crate::pool::Provisioned;
use crate::variables::InitializationType;
use runtime_api::ShutdownReason;

/// How far the provisioning of a version has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProvisionedStatus {
    /// How many were asked for.
    pub requested: u32,
    /// How many have been started, or are busy.
    pub allocated: u32,
    /// How many have initialized: idle ones and busy ones.
    pub available: u32,
    /// Why the last attempt failed; no further one is made until the number is set again.
    pub failure: Option<String>,
}

impl Engine {
    /// Sets how many environments of a version are kept ready.
    pub(crate) fn set_provisioned(self: &Arc<Self>, function: &SharedFunction, wanted: u32) {
        let mut superfluous = Vec::new();
        self.pool.lock().change_version(&function.arn, |version| {
            version.adopt(&function.revision, &mut superfluous);
            let allocated = version.provisioned.as_ref().map_or(0, |old| old.allocated);
            let filling = version.provisioned.as_ref().is_some_and(|old| old.filling);
            let failure = None;
            version.provisioned =
                Some(Provisioned { function: function.clone(), wanted, allocated, filling, failure });
            superfluous.extend(version.take_superfluous());
            if wanted == 0 {
                version.provisioned = None;
            }
        });
        for environment in superfluous {
            self.dispose(&environment, ShutdownReason::Spindown);
        }
        self.refill(&function.arn);
    }

    /// Starts environments in the background until a version has as many as are wanted.
    pub(crate) fn refill(self: &Arc<Self>, arn: &FunctionArn) {
        if self.pool.lock().begin_filling(arn) {
            let (engine, arn) = (self.clone(), arn.clone());
            self.parts.tasks.spawn("provisioned concurrency", async move { engine.fill(&arn).await });
        }
    }

    async fn fill(self: &Arc<Self>, arn: &FunctionArn) {
        loop {
            let Some(function) = self.pool.lock().next_to_fill(arn) else { return };
            let launch = self.plan(&function, InitializationType::Provisioned);
            match self.launch(&launch).await {
                Ok(environment) => self.pool.add(&environment, false),
                Err(error) => {
                    self.pool.lock().filling_failed(arn, describe(&error));
                    return;
                }
            }
        }
    }

    /// How far the provisioning of a version has come.
    pub(crate) fn provisioned(&self, arn: &FunctionArn) -> ProvisionedStatus {
        let mut state = self.pool.lock();
        let Some(version) = state.version_mut(arn) else { return ProvisionedStatus::default() };
        let available = version.provisioned_available();
        let Some(provisioned) = &version.provisioned else { return ProvisionedStatus::default() };
        ProvisionedStatus {
            requested: provisioned.wanted,
            allocated: provisioned.allocated,
            available,
            failure: provisioned.failure.clone(),
        }
    }
}

fn describe(error: &LaunchError) -> String {
    match error {
        LaunchError::Refused(error) => error.to_string(),
        LaunchError::Entrypoint => "FunctionError.InvalidEntryPoint".to_owned(),
        LaunchError::Init(problem) => match problem.error_type() {
            Some(error_type) => error_type.to_owned(),
            None => "FunctionError.InitTimeout".to_owned(),
        },
    }
}
