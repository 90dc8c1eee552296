//! Runtime names, the host's interpreters for them, and our bootstraps
