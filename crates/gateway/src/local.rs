//! The server's own paths, which are no API of AWS's.

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

/// Paths that begin so are answered by [`Local`]; no AWS API has such a path.
pub const LOCAL_PREFIXES: [&str; 2] = ["/_lambent", "/_localstack"];

/// Answers the server's own paths: health, the admin API, the console. Implemented by `admin`.
#[async_trait]
pub trait Local: Send + Sync + Debug {
    /// The answer to a request under one of [`LOCAL_PREFIXES`]. Requests from another origin's pages do not come
    /// here, except navigation by `GET`. Nothing else is checked: the request's extension [`crate::Reach`] tells
    /// who may have sent it.
    async fn answer(&self, request: http::Request<Bytes>) -> wire::Response;
}

/// Whether `path` is one of the server's own.
pub(crate) fn is_local(path: &str) -> bool {
    LOCAL_PREFIXES
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}
