//! What is stored of roles, and under which keys.

mod roles;

pub(crate) use roles::{ROLES, RoleRecord, TagRecord, key_parts};
