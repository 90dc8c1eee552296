//! `OptInPhoneNumber`.

use api_sns::{OptInPhoneNumberInput, OptInPhoneNumberResponse};
use wire::Context;

use crate::Sns;
use crate::errors::Outcome;
use crate::operations::check_if_phone_number_is_opted_out::check_number;

/// See [`crate::operations::check_if_phone_number_is_opted_out`]: every number is opted in already.
pub(crate) async fn run(
    _sns: &Sns,
    _context: &Context,
    input: OptInPhoneNumberInput,
) -> Outcome<OptInPhoneNumberResponse> {
    check_number(&input.phone_number)?;
    Ok(OptInPhoneNumberResponse {})
}
