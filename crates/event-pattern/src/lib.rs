//! Event patterns and filter policies.
