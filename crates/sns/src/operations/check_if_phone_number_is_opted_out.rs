//! `CheckIfPhoneNumberIsOptedOut`.

use api_sns::{CheckIfPhoneNumberIsOptedOutInput, CheckIfPhoneNumberIsOptedOutResponse};
use wire::Context;

use crate::Sns;
use crate::errors::{Outcome, invalid};
use crate::subscription::is_phone_number;

/// Text messages stay on this host, where nobody can answer them with STOP: no number is ever opted out.
pub(crate) async fn run(
    _sns: &Sns,
    _context: &Context,
    input: CheckIfPhoneNumberIsOptedOutInput,
) -> Outcome<CheckIfPhoneNumberIsOptedOutResponse> {
    check_number(&input.phone_number)?;
    Ok(CheckIfPhoneNumberIsOptedOutResponse { is_opted_out: Some(false) })
}

/// Refuses what is no phone number.
pub(crate) fn check_number(number: &str) -> Outcome<()> {
    if is_phone_number(number) {
        return Ok(());
    }
    Err(invalid(format!("PhoneNumber Reason: {number} is not valid to publish to")))
}
