//! What a handler knows of a request besides its input.

use ids::{AccountId, Region, RequestId};

use crate::Client;

/// Who asks, for which account and region, under which id.
#[derive(Debug, Clone)]
pub struct Context {
    /// The request's id; the answer carries it.
    pub request_id: RequestId,
    /// Whose state is meant.
    pub account: AccountId,
    /// Where.
    pub region: Region,
    /// Who asks.
    pub caller: Caller,
    /// The endpoint as the caller addressed it, such as `http://127.0.0.1:4566`, for links in answers.
    pub endpoint: String,
    /// The `X-Amzn-Trace-Id` that came with the request.
    pub trace_id: Option<String>,
    /// Who waits for the answer.
    pub client: Client,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The ARN of the principal, such as `arn:aws:iam::000000000000:root`.
    pub arn: String,
    /// Its unique id, such as `AIDA...` or the account's.
    pub user_id: String,
    /// The access key that signed, if any.
    pub access_key_id: Option<String>,
}
