//! Functions: how they are named, checked, changed, found and shown.

mod alias;
mod architecture;
mod change;
mod code;
mod find;
mod guard;
mod page;
mod publish;
mod reference;
mod runtime;
mod show;
mod unsupported;
mod update;
mod variables;

pub(crate) use alias::{find_alias, read_routing, read_target, shown_alias};
pub(crate) use architecture::{check_architecture, mismatch, requested_architecture};
pub(crate) use change::{change, changes_of, new_configuration};
pub(crate) use code::{CodeInput, store_code};
pub(crate) use find::{find_function, find_version, function_not_found};
pub(crate) use guard::{check_revision, ensure_changeable};
pub(crate) use page::{Marker, page_size, page_size_of_at_most};
pub(crate) use publish::publish;
pub(crate) use reference::FunctionReference;
pub(crate) use runtime::find_runtime;
pub(crate) use show::{Shown, list_item, shown};
pub(crate) use unsupported::refuse_unsupported;
pub(crate) use update::{begin_update, commit_update};
