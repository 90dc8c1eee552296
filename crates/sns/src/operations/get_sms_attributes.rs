//! `GetSMSAttributes`.

use api_sns::{GetSMSAttributesInput, GetSMSAttributesResponse};
use wire::Context;

use crate::Sns;
use crate::errors::Outcome;
use crate::tables::sms::SMS_ATTRIBUTES;

pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: GetSMSAttributesInput,
) -> Outcome<GetSMSAttributesResponse> {
    let parts = [context.account.as_str().into(), context.region.as_str().into()];
    let row = SMS_ATTRIBUTES.get_now(&*sns.parts.store, &parts).await?;
    let mut attributes = row.map(|row| row.record).unwrap_or_default();
    if let Some(wanted) = input.attributes.filter(|wanted| !wanted.is_empty()) {
        attributes.retain(|name, _| wanted.contains(name));
    }
    Ok(GetSMSAttributesResponse { attributes: Some(attributes) })
}
