//! `ListRoles`.

use api_iam::{ListRolesRequest, ListRolesResponse};
use wire::{Context, Error};

use crate::errors::{read_failed, store_failed};
use crate::page::items_max;
use crate::role::show_in_list;
use crate::service::Iam;
use crate::tables::{ROLES, key_parts};

/// How many roles are looked at at once when most of them may not be asked for.
const SCAN: usize = 100;

/// A marker is the name of the last role on the page before.
pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: ListRolesRequest,
) -> Result<ListRolesResponse, Error> {
    let account = &context.account;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let limit = items_max(input.max_items);
    let snapshot = iam.store.snapshot().await.map_err(read_failed)?;
    let of_account = [account.as_str().into()];
    let mut after = input.marker.map(|name| ROLES.key(&key_parts(account, &name.to_ascii_lowercase())));
    let mut roles = Vec::new();
    loop {
        let rows = ROLES
            .list(&*snapshot, &of_account, after.as_deref(), SCAN)
            .await
            .map_err(|error| store_failed(&error))?;
        let Some(last) = rows.last() else {
            return Ok(ListRolesResponse { roles, is_truncated: Some(false), marker: None });
        };
        after = Some(last.key.clone());
        for role in rows.into_iter().map(|row| row.record).filter(|role| role.path.starts_with(prefix)) {
            if roles.len() == limit {
                let marker = roles.last().map(|role: &api_iam::Role| role.role_name.clone());
                return Ok(ListRolesResponse { roles, is_truncated: Some(true), marker });
            }
            roles.push(show_in_list(account, role));
        }
    }
}
