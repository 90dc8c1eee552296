//! Work that no answer waits for.
