//! `SetSMSAttributes`.

use api_sns::{SetSMSAttributesInput, SetSMSAttributesResponse};
use store::{CommitError, Transaction};
use wire::Context;

use crate::Sns;
use crate::errors::{Failure, Outcome, invalid, unsupported};
use crate::tables::sms::SMS_ATTRIBUTES;
use crate::topic::TRIES_MAX;

pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: SetSMSAttributesInput,
) -> Outcome<SetSMSAttributesResponse> {
    for (name, value) in &input.attributes {
        check(name, value)?;
    }
    let parts = [context.account.as_str().into(), context.region.as_str().into()];
    for _ in 0..TRIES_MAX {
        let row = SMS_ATTRIBUTES.get_now(&*sns.parts.store, &parts).await?;
        let mut attributes = row.as_ref().map(|row| row.record.clone()).unwrap_or_default();
        attributes.extend(input.attributes.clone());
        let mut transaction = Transaction::new();
        match &row {
            Some(row) => SMS_ATTRIBUTES.update(&mut transaction, row, &attributes)?,
            None => SMS_ATTRIBUTES.insert(&mut transaction, &parts, &attributes)?,
        }
        match sns.parts.store.commit(transaction).await {
            Ok(_) => return Ok(SetSMSAttributesResponse {}),
            Err(CommitError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Conflict)
}

/// A spend limit holds by itself, because text messages cost nothing here.
fn check(name: &str, value: &str) -> Outcome<()> {
    let is_sender = |value: &str| {
        (1..=11).contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && value.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let valid = match name {
        "MonthlySpendLimit" => value.parse::<u32>().is_ok(),
        "DefaultSenderID" => value.is_empty() || is_sender(value),
        "DefaultSMSType" => matches!(value, "Promotional" | "Transactional"),
        "DeliveryStatusIAMRole" | "DeliveryStatusSuccessSamplingRate" | "UsageReportS3Bucket" => {
            return Err(unsupported(&format!("The attribute {name}")));
        }
        _ => return Err(invalid(format!("{name} is not a valid attribute"))),
    };
    if valid { Ok(()) } else { Err(invalid(format!("{name}: Invalid value [{value}]"))) }
}
