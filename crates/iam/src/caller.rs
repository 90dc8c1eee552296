//! By which names a trust policy may call whoever asks.

use ids::{AccountId, Arn};
use wire::{Caller, Context, Error};

use crate::errors::read_failed;
use crate::role;
use crate::service::Iam;

/// The role's name in the ARN of somebody who has assumed one.
pub(crate) fn assumed_role(caller: &Caller) -> Option<String> {
    let arn = Arn::parse(&caller.arn).ok()?;
    let rest = arn.resource.strip_prefix("assumed-role/").filter(|_| arn.service == "sts")?;
    let (name, _session) = rest.split_once('/')?;
    Some(name.to_owned())
}

/// All names of the caller: the account, the account's root (which stands for everybody in it, since what the account
/// allows its own is not evaluated), the caller's own, and those of the role the caller has assumed. `None` when that
/// role does not exist any more: its sessions end with it.
pub(crate) async fn names(iam: &Iam, context: &Context) -> Result<Option<Vec<String>>, Error> {
    let Context { account, caller, .. } = context;
    let mut names =
        vec![account.as_str().to_owned(), format!("arn:aws:iam::{account}:root"), caller.arn.clone()];
    if let Some(name) = assumed_role(caller) {
        let Some((arn, id)) = live_role(iam, account, &name, &caller.user_id).await? else { return Ok(None) };
        names.extend([arn, id]);
    }
    Ok(Some(names))
}

/// ARN and unique id of the role with this name, if it is still the one that was assumed.
async fn live_role(
    iam: &Iam,
    account: &AccountId,
    name: &str,
    user_id: &str,
) -> Result<Option<(String, String)>, Error> {
    let snapshot = iam.store.snapshot().await.map_err(read_failed)?;
    let row = role::look_up(&*snapshot, account, name).await?;
    let assumed = row.map(|row| row.record).filter(|role| user_id.split(':').next() == Some(&role.id));
    Ok(assumed.map(|role| (role::arn_of(account, &role), role.id)))
}
