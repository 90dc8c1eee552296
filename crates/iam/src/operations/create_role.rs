//! `CreateRole`.

use std::collections::BTreeMap;

use api_iam::{CreateRoleRequest, CreateRoleResponse};
use store::{CommitError, Transaction};
use wire::{Context, Error};

use crate::errors::{commit_failed, role_exists, store_failed};
use crate::policy::TrustPolicy;
use crate::role::{require_policy, show, unique_id};
use crate::service::Iam;
use crate::tables::{ROLES, RoleRecord, key_parts};
use crate::tag;

/// "If you do not specify a value for this setting, the default value of one hour is applied" (API reference).
const MAX_SESSION_SECONDS_DEFAULT: i32 = 3_600;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: CreateRoleRequest,
) -> Result<CreateRoleResponse, Error> {
    let mut tags = BTreeMap::new();
    tag::add(&mut tags, tag::read(input.tags.unwrap_or_default())?)?;
    TrustPolicy::parse(&input.assume_role_policy_document)?;
    if let Some(arn) = &input.permissions_boundary {
        require_policy("Scope ARN:", arn)?;
    }
    let role = RoleRecord {
        name: input.role_name,
        path: input.path.unwrap_or_else(|| "/".to_owned()),
        id: unique_id(&iam.ids),
        created: iam.clock.now(),
        trust_policy: input.assume_role_policy_document,
        description: input.description.filter(|text| !text.is_empty()),
        max_session_seconds: input.max_session_duration.unwrap_or(MAX_SESSION_SECONDS_DEFAULT),
        permissions_boundary: input.permissions_boundary,
        inline_policies: BTreeMap::new(),
        attached_policies: Vec::new(),
        tags,
    };
    let folded = role.name.to_ascii_lowercase();
    let mut transaction = Transaction::new();
    ROLES
        .insert(&mut transaction, &key_parts(&context.account, &folded), &role)
        .map_err(|error| store_failed(&error))?;
    match iam.store.commit(transaction).await {
        Ok(_) => Ok(CreateRoleResponse { role: show(&context.account, role) }),
        Err(CommitError::Conflict(_)) => Err(role_exists(&role.name)),
        Err(error) => Err(commit_failed(error)),
    }
}
