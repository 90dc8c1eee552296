//! `GetCallerIdentity`.

use api_sts::GetCallerIdentityResponse;
use wire::Context;

pub(crate) fn handle(context: &Context) -> GetCallerIdentityResponse {
    GetCallerIdentityResponse {
        user_id: Some(context.caller.user_id.clone()),
        account: Some(context.account.as_str().to_owned()),
        arn: Some(context.caller.arn.clone()),
    }
}
