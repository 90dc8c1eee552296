//! `AssumeRole`.

use std::time::Duration;

use api_sts::{AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser, Credentials};
use auth::Mode;
use ids::{AccountId, Arn};
use wire::{Context, Error};

use crate::caller;
use crate::errors::{access_denied, invalid};
use crate::policy::{Attempt, Principal, TrustPolicy, Verdict};
use crate::role;
use crate::service::Iam;
use crate::tables::RoleRecord;

/// How long a session lasts unless the request says (API reference, `DurationSeconds`).
const DEFAULT_SECONDS: i32 = 3_600;
/// "Role chaining limits your session to a maximum of one hour" (API reference, `DurationSeconds`).
const CHAINED_SECONDS_MAX: i32 = 3_600;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: AssumeRoleRequest,
) -> Result<AssumeRoleResponse, Error> {
    refuse_unsupported(&input)?;
    let account = account_of(&input.role_arn)?;
    let role = role::find_by_arn(iam, &account, &input.role_arn).await?;
    if iam.mode == Mode::Strict {
        authorize(iam, context, &input, role.as_ref()).await?;
    }
    let seconds = input.duration_seconds.unwrap_or(DEFAULT_SECONDS);
    if seconds > CHAINED_SECONDS_MAX && caller::assumed_role(&context.caller).is_some() {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if role.as_ref().is_some_and(|role| seconds > role.max_session_seconds) {
        return Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    let name = role::name_in_arn(&input.role_arn);
    let id = role.map_or_else(|| role::imagined_id(&account, name), |role| role.id);
    // The model's bounds, which were checked, leave only positive numbers.
    let lifetime = Duration::from_secs(u64::from(seconds.unsigned_abs()));
    let (assumed, issued) = iam.issue(&account, (name, &id), &input.role_session_name, lifetime);
    Ok(AssumeRoleResponse {
        credentials: Some(Credentials {
            access_key_id: issued.access_key_id,
            secret_access_key: issued.secret_access_key,
            session_token: issued.session_token,
            expiration: issued.expires,
        }),
        assumed_role_user: Some(AssumedRoleUser { assumed_role_id: assumed.id, arn: assumed.arn }),
        ..AssumeRoleResponse::default()
    })
}

fn refuse_unsupported(input: &AssumeRoleRequest) -> Result<(), Error> {
    let has = |list: Option<usize>| list.is_some_and(|length| length > 0);
    let asked = [
        ("Policy", input.policy.is_some()),
        ("PolicyArns", has(input.policy_arns.as_ref().map(Vec::len))),
        ("Tags", has(input.tags.as_ref().map(Vec::len))),
        ("TransitiveTagKeys", has(input.transitive_tag_keys.as_ref().map(Vec::len))),
        ("SerialNumber", input.serial_number.is_some()),
        ("TokenCode", input.token_code.is_some()),
        ("SourceIdentity", input.source_identity.is_some()),
        ("ProvidedContexts", has(input.provided_contexts.as_ref().map(Vec::len))),
        ("MinimumSessionTokenSize", input.minimum_session_token_size.is_some()),
    ];
    match asked.into_iter().find(|(_, asked)| *asked) {
        Some((name, _)) => Err(Error::unsupported("ValidationError", &format!("{name} of AssumeRole"))),
        None => Ok(()),
    }
}

/// The account in a role's ARN.
fn account_of(role_arn: &str) -> Result<AccountId, Error> {
    let arn = Arn::parse(role_arn).map_err(|_| invalid(format!("{role_arn} is invalid")))?;
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    let name = role::name_in_arn(role_arn);
    let is_role = arn.service == "iam"
        && arn.region.is_empty()
        && arn.resource.starts_with("role/")
        && (1..=64).contains(&name.len())
        && name.bytes().all(is_letter);
    match AccountId::parse(&arn.account) {
        Ok(account) if is_role => Ok(account),
        _ => Err(invalid("Request ARN is invalid")),
    }
}

/// Whether a role does not exist or does not trust the caller is not told apart, as on AWS.
async fn authorize(
    iam: &Iam,
    context: &Context,
    input: &AssumeRoleRequest,
    role: Option<&RoleRecord>,
) -> Result<(), Error> {
    let denied = || {
        access_denied(format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
            context.caller.arn, input.role_arn
        ))
    };
    let role = role.ok_or_else(denied)?;
    let names = caller::names(iam, context).await?.ok_or_else(denied)?;
    let attempt = Attempt {
        principal: Principal::Aws(&names),
        facts: &[("sts:ExternalId", input.external_id.as_deref())],
    };
    match TrustPolicy::parse(&role.trust_policy)?.evaluate(attempt) {
        Verdict::Allowed => Ok(()),
        Verdict::Denied => Err(denied()),
        Verdict::Undecided(condition) => Err(access_denied(format!(
            "The trust policy of {} has a condition that is not supported by Lambent yet: {condition}.",
            input.role_arn
        ))),
    }
}
