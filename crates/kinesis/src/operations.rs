//! One operation per file.

pub(crate) mod create_stream;
pub(crate) mod delete_stream;
pub(crate) mod describe_stream;
pub(crate) mod describe_stream_summary;
pub(crate) mod list_streams;
