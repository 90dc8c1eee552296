//! How roles are found, changed and shown.

use std::hash::{Hash, Hasher};

use api_iam::{AttachedPermissionsBoundary, PermissionsBoundaryAttachmentType, Role};
use ids::{AccountId, Arn, IdSource};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use store::{CommitError, Row, Snapshot, Transaction};
use wire::Error;

use crate::errors::{
    commit_failed, concurrent_modification, invalid_input, not_found, read_failed, role_missing, store_failed,
};
use crate::service::Iam;
use crate::tables::{ROLES, RoleRecord, key_parts};
use crate::tag;

/// How often a change is tried again that others were faster than.
const TRIES_MAX: usize = 16;

/// "Unique identifiers" of the IAM user guide: a role's begin with AROA.
const ID_PREFIX: &str = "AROA";
const ID_LETTERS: usize = 17;
const ID_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A fresh unique id.
pub(crate) fn unique_id(ids: &IdSource) -> String {
    format!("{ID_PREFIX}{}", ids.text(ID_LETTERS, ID_ALPHABET))
}

/// The unique id of a role that does not exist, which can be assumed while authentication is off. The same for the
/// same role as long as the server runs.
pub(crate) fn imagined_id(account: &AccountId, name: &str) -> String {
    // The hasher has fixed keys; it may only change with the compiler.
    let mut hasher = std::hash::DefaultHasher::new();
    (account, name).hash(&mut hasher);
    unique_id(&IdSource::seeded(hasher.finish()))
}

/// The ARN of a role in this account.
pub(crate) fn arn_of(account: &AccountId, role: &RoleRecord) -> String {
    format!("arn:aws:iam::{account}:role{}{}", role.path, role.name)
}

/// The role with this name, if it exists.
pub(crate) async fn look_up(
    snapshot: &dyn Snapshot,
    account: &AccountId,
    name: &str,
) -> Result<Option<Row<RoleRecord>>, Error> {
    let folded = name.to_ascii_lowercase();
    ROLES.get(snapshot, &key_parts(account, &folded)).await.map_err(|error| store_failed(&error))
}

/// The role with this name.
pub(crate) async fn find(iam: &Iam, account: &AccountId, name: &str) -> Result<Row<RoleRecord>, Error> {
    let snapshot = iam.store.snapshot().await.map_err(read_failed)?;
    look_up(&*snapshot, account, name).await?.ok_or_else(|| role_missing(name))
}

/// The role with exactly this ARN, path included, in `account`, if it exists.
pub(crate) async fn find_by_arn(
    iam: &Iam,
    account: &AccountId,
    role_arn: &str,
) -> Result<Option<RoleRecord>, Error> {
    let snapshot = iam.store.snapshot().await.map_err(read_failed)?;
    let row = look_up(&*snapshot, account, name_in_arn(role_arn)).await?;
    Ok(row.map(|row| row.record).filter(|role| arn_of(account, role) == role_arn))
}

/// What stands last in a role's ARN.
pub(crate) fn name_in_arn(role_arn: &str) -> &str {
    role_arn.rsplit(['/', ':']).next().unwrap_or(role_arn)
}

/// Changes the role with this name. `change` may be called several times: whenever somebody else changed the role
/// first.
pub(crate) async fn change(
    iam: &Iam,
    account: &AccountId,
    name: &str,
    change: impl Fn(&mut RoleRecord) -> Result<(), Error>,
) -> Result<(), Error> {
    write(iam, account, name, |transaction, row| {
        let mut role = row.record.clone();
        change(&mut role)?;
        ROLES.update(transaction, row, &role).map_err(|error| store_failed(&error))
    })
    .await
}

/// Removes the role with this name if `check` agrees.
pub(crate) async fn remove(
    iam: &Iam,
    account: &AccountId,
    name: &str,
    check: impl Fn(&RoleRecord) -> Result<(), Error>,
) -> Result<(), Error> {
    write(iam, account, name, |transaction, row| {
        check(&row.record)?;
        ROLES.delete_row(transaction, row);
        Ok(())
    })
    .await
}

async fn write(
    iam: &Iam,
    account: &AccountId,
    name: &str,
    add: impl Fn(&mut Transaction, &Row<RoleRecord>) -> Result<(), Error>,
) -> Result<(), Error> {
    for _ in 0..TRIES_MAX {
        let row = find(iam, account, name).await?;
        let mut transaction = Transaction::new();
        add(&mut transaction, &row)?;
        match iam.store.commit(transaction).await {
            Ok(_) => return Ok(()),
            Err(CommitError::Conflict(_)) => {}
            Err(error) => return Err(commit_failed(error)),
        }
    }
    Err(concurrent_modification())
}

/// Policy documents are URL-encoded in answers (API reference, `Role` and `GetRolePolicy`).
pub(crate) fn encode_document(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

/// A role as a list shows it: "this operation does not return the following attributes: PermissionsBoundary,
/// RoleLastUsed, Tags" (API reference, `ListRoles`).
pub(crate) fn show_in_list(account: &AccountId, role: RoleRecord) -> Role {
    Role {
        arn: arn_of(account, &role),
        path: role.path,
        role_name: role.name,
        role_id: role.id,
        create_date: role.created,
        assume_role_policy_document: Some(encode_document(&role.trust_policy)),
        description: role.description,
        max_session_duration: Some(role.max_session_seconds),
        ..Role::default()
    }
}

/// A role with everything that is known of it. When it was last used is not known.
pub(crate) fn show(account: &AccountId, mut role: RoleRecord) -> Role {
    let boundary = role.permissions_boundary.take().map(|arn| AttachedPermissionsBoundary {
        permissions_boundary_type: Some(PermissionsBoundaryAttachmentType::PermissionsBoundaryPolicy),
        permissions_boundary_arn: Some(arn),
    });
    let tags = tag::show(&role.tags);
    Role {
        permissions_boundary: boundary,
        tags: Some(tags).filter(|tags| !tags.is_empty()),
        ..show_in_list(account, role)
    }
}

/// Path and name in the ARN of a managed policy.
///
/// # Errors
/// `InvalidInput` when it is no policy's ARN.
pub(crate) fn policy_path_and_name(policy_arn: &str) -> Result<(String, String), Error> {
    let invalid = || invalid_input(format!("ARN {policy_arn} is not valid."));
    let arn = Arn::parse(policy_arn).map_err(|_| invalid())?;
    let whole =
        arn.resource.strip_prefix("policy").filter(|whole| whole.starts_with('/')).ok_or_else(invalid)?;
    let (path, name) = whole.rsplit_once('/').ok_or_else(invalid)?;
    let name_fits = (1..=128).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
    if arn.service != "iam" || !arn.region.is_empty() || !name_fits {
        return Err(invalid());
    }
    Ok((format!("{path}/"), name.to_owned()))
}

/// Refuses policies that do not exist. AWS's own are taken to exist, whatever their name; others cannot be made here.
/// `what` is what AWS calls it in this place.
pub(crate) fn require_policy(what: &str, policy_arn: &str) -> Result<(), Error> {
    policy_path_and_name(policy_arn)?;
    if policy_arn.starts_with("arn:aws:iam::aws:policy/") {
        return Ok(());
    }
    Err(not_found(format!("{what} {policy_arn} does not exist or is not attachable.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_ids_have_the_form_of_aws() {
        let account = AccountId::parse("000000000000").unwrap();
        let ids = IdSource::seeded(1);
        assert_ne!(unique_id(&ids), unique_id(&ids));
        assert_eq!(imagined_id(&account, "r"), imagined_id(&account, "r"));
        assert_ne!(imagined_id(&account, "r"), imagined_id(&account, "s"));
        for id in [unique_id(&ids), imagined_id(&account, "r")] {
            assert!(id.starts_with("AROA") && id.len() == 21, "{id}");
            assert!(id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{id}");
        }
    }

    #[test]
    fn documents_are_encoded_so_that_only_unreserved_characters_stay() {
        assert_eq!(encode_document(r#"{"a-_.~": "é*"}"#), "%7B%22a-_.~%22%3A%20%22%C3%A9%2A%22%7D");
    }

    #[test]
    fn policies_have_a_path_and_a_name() {
        let parts = |arn| policy_path_and_name(arn).ok();
        let owned = |path: &str, name: &str| Some((path.to_owned(), name.to_owned()));
        assert_eq!(parts("arn:aws:iam::aws:policy/ReadOnlyAccess"), owned("/", "ReadOnlyAccess"));
        assert_eq!(parts("arn:aws:iam::aws:policy/service-role/A"), owned("/service-role/", "A"));
        for invalid in [
            "ReadOnlyAccessReadOnlyAccess",
            "arn:aws:iam::aws:policy/",
            "arn:aws:iam::aws:policyA/B",
            "arn:aws:iam::aws:policy/a b",
            "arn:aws:iam::aws:role/A",
            "arn:aws:s3::aws:policy/A",
            "arn:aws:iam:eu-central-1:aws:policy/A",
        ] {
            assert_eq!(parts(invalid), None, "{invalid}");
        }
    }
}
