//! How far provisioning has come, as the API says it.

use api_lambda::ProvisionedConcurrencyStatusEnum as Status;
use ids::FunctionArn;
use invoker::ProvisionedStatus;

use crate::Lambda;

/// How far provisioning has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) available: i32,
    pub(crate) allocated: i32,
    pub(crate) status: Status,
    /// Why it failed.
    pub(crate) reason: Option<String>,
}

impl Progress {
    /// Of the version that `arn` names, for which `requested` environments are wanted.
    pub(crate) fn of(lambda: &Lambda, arn: &FunctionArn, requested: u32) -> Self {
        let now = lambda.invoker.provisioned(arn);
        Self::new(now, lambda.provisioning.failure(arn), requested)
    }

    fn new(now: ProvisionedStatus, failure: Option<String>, requested: u32) -> Self {
        // Right after a change the invoker may not have heard of it yet.
        let (available, allocated) = (now.available.min(requested), now.allocated.min(requested));
        let reason = failure.or(now.failure);
        let status = match &reason {
            Some(_) => Status::Failed,
            None if now.requested == requested && available == requested => Status::Ready,
            None => Status::InProgress,
        };
        let number = |count| i32::try_from(count).unwrap_or(i32::MAX);
        Self { available: number(available), allocated: number(allocated), status, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_once_all_are_available() {
        let now = |requested, available, failure: Option<&str>| ProvisionedStatus {
            requested,
            allocated: available,
            available,
            failure: failure.map(str::to_owned),
        };
        for (status, requested, expected) in [
            (ProvisionedStatus::default(), 2, Status::InProgress),
            (now(2, 1, None), 2, Status::InProgress),
            (now(2, 2, None), 2, Status::Ready),
            (now(3, 3, None), 2, Status::InProgress),
            (now(2, 1, Some("Runtime.ExitError")), 2, Status::Failed),
        ] {
            assert_eq!(Progress::new(status.clone(), None, requested).status, expected, "{status:?}");
        }
        let failed = Progress::new(ProvisionedStatus::default(), Some("damaged".to_owned()), 1);
        assert_eq!((failed.status, failed.reason.as_deref()), (Status::Failed, Some("damaged")));
    }
}
