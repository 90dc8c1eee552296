//! Temporary credentials for a function's role.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use clock::Timestamp;
use ids::{AccountId, Region};

/// A session's credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `ASIA...`.
    pub access_key_id: String,
    /// The signing secret.
    pub secret_access_key: String,
    /// Must accompany each request.
    pub session_token: String,
    /// When they cease to be valid.
    pub expires: Timestamp,
}

impl Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secret stays out of logs.
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Implemented by `iam`.
#[async_trait]
pub trait VendCredentials: Send + Sync + Debug {
    /// Credentials for a session of `role_arn`, which need not exist with authentication off.
    async fn credentials(
        &self,
        account: &AccountId,
        region: &Region,
        role_arn: &str,
        session_name: &str,
    ) -> Result<Credentials, String>;

    /// Whether Lambda may assume this role: it exists and trusts `lambda.amazonaws.com`. Always true with
    /// authentication off.
    async fn can_be_assumed_by_lambda(&self, account: &AccountId, role_arn: &str) -> bool;
}
