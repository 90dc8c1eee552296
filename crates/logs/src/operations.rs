//! One file per operation; the two generations of the tag operations share theirs.

pub(crate) mod create_log_group;
pub(crate) mod create_log_stream;
pub(crate) mod delete_log_group;
pub(crate) mod delete_log_stream;
pub(crate) mod delete_retention_policy;
pub(crate) mod describe_log_groups;
pub(crate) mod describe_log_streams;
pub(crate) mod filter_log_events;
pub(crate) mod get_log_events;
pub(crate) mod list_tags_for_resource;
pub(crate) mod put_log_events;
pub(crate) mod put_retention_policy;
pub(crate) mod tag_resource;
pub(crate) mod untag_resource;

/// "Each page returned can contain up to 1 MB of log events or up to 10,000 log events" (API reference,
/// `GetLogEvents` and `FilterLogEvents`).
const PAGE_BYTES_MAX: usize = 1 << 20;
const PAGE_EVENTS_MAX: usize = 10_000;

/// The most groups or streams on a page of the describing operations, and the default.
const DESCRIBED_MAX: usize = 50;

/// A request's `limit` within what is allowed.
fn page_limit(limit: Option<i32>, max: usize) -> usize {
    limit.and_then(|limit| usize::try_from(limit).ok()).map_or(max, |limit| limit.clamp(1, max))
}
