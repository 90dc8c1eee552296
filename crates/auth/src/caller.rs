//! Who sent a request.

use ids::{AccountId, Region};

/// The sender of a request, and where it wants to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The access key, unless the request was not signed.
    pub access_key: Option<String>,
    /// The account whose state the request sees.
    pub account: AccountId,
    /// The region of the credential scope, or the default one.
    pub region: Region,
    /// Such as `arn:aws:iam::000000000000:root` or
    /// `arn:aws:sts::000000000000:assumed-role/ROLE/SESSION`.
    pub principal_arn: String,
    /// What `GetCallerIdentity` calls the user id: the account for its root, `AIDA…`, or `AROA…:SESSION`.
    pub principal_id: String,
    /// Whether the signature was checked. Without it the rest is only what the client claims.
    pub verified: bool,
}

impl Caller {
    /// The account itself, as far as the client says.
    #[must_use]
    pub fn unverified_root(access_key: Option<String>, account: AccountId, region: Region) -> Self {
        let principal_arn = format!("arn:aws:iam::{account}:root");
        let principal_id = account.as_str().to_owned();
        Self { access_key, account, region, principal_arn, principal_id, verified: false }
    }
}
