//! `ListPhoneNumbersOptedOut`.

use api_sns::{ListPhoneNumbersOptedOutInput, ListPhoneNumbersOptedOutResponse};
use wire::Context;

use crate::Sns;
use crate::errors::{Outcome, invalid};

/// See [`crate::operations::check_if_phone_number_is_opted_out`]: there are none, so there is no further page either.
pub(crate) async fn run(
    _sns: &Sns,
    _context: &Context,
    input: ListPhoneNumbersOptedOutInput,
) -> Outcome<ListPhoneNumbersOptedOutResponse> {
    if input.next_token.is_some_and(|token| !token.is_empty()) {
        return Err(invalid("NextToken Reason: The token is not valid."));
    }
    Ok(ListPhoneNumbersOptedOutResponse { phone_numbers: Some(Vec::new()), next_token: None })
}
