//! Sessions of roles, and the credentials of functions.

use std::time::Duration;

use async_trait::async_trait;
use auth::{Mode, Session};
use ids::{AccountId, Region};
use targets::{Credentials, VendCredentials};
use wire::Error;

use crate::policy::{Attempt, Principal, TrustPolicy, Verdict};
use crate::role;
use crate::service::Iam;
use crate::tables::RoleRecord;

/// The longest that a role's credentials may be valid. A function's environment is not used for longer than its
/// credentials are.
const FUNCTION_SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// Who has assumed a role.
#[derive(Debug)]
pub(crate) struct AssumedRole {
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`. A role's path is not in it.
    pub(crate) arn: String,
    /// `AROA...:SESSION`.
    pub(crate) id: String,
}

impl Iam {
    /// Credentials for a session of the role with this name and unique id, valid for `lifetime` of real time.
    pub(crate) fn issue(
        &self,
        account: &AccountId,
        (role_name, role_id): (&str, &str),
        session_name: &str,
        lifetime: Duration,
    ) -> (AssumedRole, Credentials) {
        let assumed = AssumedRole {
            arn: format!("arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}"),
            id: format!("{role_id}:{session_name}"),
        };
        let session = Session {
            account: account.clone(),
            principal_arn: assumed.arn.clone(),
            principal_id: assumed.id.clone(),
            expires: self.session_clock.now() + lifetime,
        };
        let credentials = self.sessions.issue(&session, &self.ids);
        (assumed, credentials)
    }

    /// The role with this ARN, if it exists and Lambda may assume it.
    async fn role_for_lambda(
        &self,
        account: &AccountId,
        role_arn: &str,
    ) -> Result<Option<RoleRecord>, Error> {
        let Some(role) = role::find_by_arn(self, account, role_arn).await? else { return Ok(None) };
        let attempt = Attempt {
            principal: Principal::Service("lambda.amazonaws.com"),
            facts: &[("aws:SourceAccount", Some(account.as_str()))],
        };
        match TrustPolicy::parse(&role.trust_policy)?.evaluate(attempt) {
            Verdict::Allowed => Ok(Some(role)),
            Verdict::Denied => Ok(None),
            Verdict::Undecided(condition) => {
                tracing::warn!(
                    role_arn,
                    condition,
                    "Lambda cannot assume a role: a condition of its trust policy is not supported yet"
                );
                Ok(None)
            }
        }
    }
}

#[async_trait]
impl VendCredentials for Iam {
    async fn credentials(
        &self,
        account: &AccountId,
        _region: &Region,
        role_arn: &str,
        session_name: &str,
    ) -> Result<Credentials, String> {
        let cause = |error: Error| error.message().unwrap_or_default().to_owned();
        let name = role::name_in_arn(role_arn);
        let id = match self.mode {
            Mode::Off => role::find_by_arn(self, account, role_arn)
                .await
                .map_err(cause)?
                .map_or_else(|| role::imagined_id(account, name), |role| role.id),
            Mode::Strict => {
                self.role_for_lambda(account, role_arn)
                    .await
                    .map_err(cause)?
                    .ok_or("The role defined for the function cannot be assumed by Lambda.")?
                    .id
            }
        };
        Ok(self.issue(account, (name, &id), session_name, FUNCTION_SESSION).1)
    }

    async fn can_be_assumed_by_lambda(&self, account: &AccountId, role_arn: &str) -> bool {
        match self.mode {
            Mode::Off => true,
            // The cause of a failure was logged where it happened.
            Mode::Strict => self.role_for_lambda(account, role_arn).await.is_ok_and(|role| role.is_some()),
        }
    }
}
