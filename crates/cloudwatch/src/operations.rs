//! One operation per file.
