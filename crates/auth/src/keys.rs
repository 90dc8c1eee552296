//! Long-lived access keys.

use std::collections::HashMap;
use std::fmt::{self, Debug};

use async_trait::async_trait;
use ids::AccountId;

/// A long-lived access key's secret and whose it is.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The signing secret.
    pub secret: String,
    /// The account it belongs to.
    pub account: AccountId,
    /// The user, or the account's root.
    pub principal_arn: String,
    /// The user's unique id, or the account for its root.
    pub principal_id: String,
}

impl AccessKey {
    /// A key of the account itself.
    #[must_use]
    pub fn root(secret: String, account: AccountId) -> Self {
        let principal_arn = format!("arn:aws:iam::{account}:root");
        let principal_id = account.as_str().to_owned();
        Self { secret, account, principal_arn, principal_id }
    }
}

impl Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secret stays out of logs.
        f.debug_struct("AccessKey").field("principal_arn", &self.principal_arn).finish_non_exhaustive()
    }
}

/// The access keys could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LookupError(pub String);

/// Where long-lived access keys are looked up. Session keys (`ASIA…`) never come here.
#[async_trait]
pub trait AccessKeys: Send + Sync + Debug {
    /// The key with this id, if it exists and is active.
    async fn access_key(&self, access_key_id: &str) -> Result<Option<AccessKey>, LookupError>;
}

/// Keys that the operator configured.
#[derive(Debug, Clone, Default)]
pub struct StaticKeys(HashMap<String, AccessKey>);

impl StaticKeys {
    /// Keys by their id.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = (String, AccessKey)>) -> Self {
        Self(keys.into_iter().collect())
    }
}

#[async_trait]
impl AccessKeys for StaticKeys {
    async fn access_key(&self, access_key_id: &str) -> Result<Option<AccessKey>, LookupError> {
        Ok(self.0.get(access_key_id).cloned())
    }
}
