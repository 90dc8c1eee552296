//! Who may run. Source: AWS Lambda developer guide, "Understanding Lambda function scaling", "Configuring
//! reserved concurrency" and "Configuring provisioned concurrency".
//!
//! Only concurrency is limited. AWS also limits requests per second (ten per unit of concurrency) and how fast
//! environments are added (1,000 per 10 s); here the host's own capacity is the limit of both.

use crate::ThrottleReason;

/// What an account has and uses in a region. Provisioned concurrency is claimed whether it is used or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccountUse {
    /// The limit of the account.
    pub(crate) limit: u32,
    /// What is reserved for functions, and what is provisioned for functions without a reservation.
    pub(crate) set_aside: u32,
    /// How many on-demand invocations of functions without a reservation run.
    pub(crate) unreserved_running: u32,
}

/// What a function, in all its versions, has and uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FunctionUse {
    /// Its reserved concurrency.
    pub(crate) reserved: Option<u32>,
    /// What of it is provisioned for single versions.
    pub(crate) provisioned: u32,
    /// How many on-demand invocations run.
    pub(crate) running: u32,
}

impl FunctionUse {
    /// What of the account's limit this function keeps from all others.
    pub(crate) fn set_aside(self) -> u32 {
        self.reserved.unwrap_or(self.provisioned)
    }
}

/// Admits one more on-demand invocation, or says why not.
pub(crate) fn admit(account: AccountUse, function: FunctionUse) -> Result<(), ThrottleReason> {
    match function.reserved {
        Some(reserved) if function.running >= reserved.saturating_sub(function.provisioned) => {
            Err(ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded)
        }
        Some(_) => Ok(()),
        None if account.unreserved_running >= account.limit.saturating_sub(account.set_aside) => {
            Err(ThrottleReason::ConcurrentInvocationLimitExceeded)
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountUse = AccountUse { limit: 10, set_aside: 4, unreserved_running: 5 };

    #[test]
    fn the_unreserved_pool_is_what_is_not_set_aside() {
        assert_eq!(admit(ACCOUNT, FunctionUse::default()), Ok(()));
        let full = AccountUse { unreserved_running: 6, ..ACCOUNT };
        assert_eq!(
            admit(full, FunctionUse::default()),
            Err(ThrottleReason::ConcurrentInvocationLimitExceeded)
        );
    }

    #[test]
    fn a_reservation_is_kept_whatever_the_account_does_and_never_exceeded() {
        let full = AccountUse { unreserved_running: 6, ..ACCOUNT };
        let reserved = FunctionUse { reserved: Some(2), running: 1, provisioned: 0 };
        assert_eq!(admit(full, reserved), Ok(()));
        let refused = Err(ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded);
        assert_eq!(admit(full, FunctionUse { running: 2, ..reserved }), refused);
        assert_eq!(admit(ACCOUNT, FunctionUse { reserved: Some(0), ..FunctionUse::default() }), refused);
    }

    /// Observed on AWS: with 1 reserved and 1 provisioned on a version, `$LATEST` is throttled.
    #[test]
    fn what_is_provisioned_is_taken_from_the_reservation() {
        let function = FunctionUse { reserved: Some(1), provisioned: 1, running: 0 };
        let refused = Err(ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded);
        assert_eq!(admit(ACCOUNT, function), refused);
    }
}
