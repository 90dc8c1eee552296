//! One file for each operation of the two APIs.

pub(crate) mod assume_role;
pub(crate) mod attach_role_policy;
pub(crate) mod create_role;
pub(crate) mod delete_role;
pub(crate) mod delete_role_policy;
pub(crate) mod detach_role_policy;
pub(crate) mod get_caller_identity;
pub(crate) mod get_role;
pub(crate) mod get_role_policy;
pub(crate) mod list_attached_role_policies;
pub(crate) mod list_role_policies;
pub(crate) mod list_role_tags;
pub(crate) mod list_roles;
pub(crate) mod put_role_policy;
pub(crate) mod tag_role;
pub(crate) mod untag_role;
pub(crate) mod update_assume_role_policy;
pub(crate) mod update_role;
