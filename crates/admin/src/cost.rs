//! `GET /_lambent/cost?month=2026-11&account=000000000000`.

use http::StatusCode;
use ids::AccountId;
use percent_encoding::percent_decode_str;
use wire::Response;

use crate::AdminParts;
use crate::answer::{failure, json};

pub(crate) async fn show(parts: &AdminParts, query: &str) -> Response {
    let parameter = |name: &str| {
        let pair = query.split('&').find_map(|pair| pair.split_once('=').filter(|(found, _)| *found == name));
        pair.map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
    };
    let month = parameter("month");
    if month.as_deref().is_some_and(|month| !is_month(month)) {
        return failure(StatusCode::BAD_REQUEST, "month is not of the form 2026-11", None);
    }
    let account = match parameter("account").map(|text| AccountId::parse(&text)) {
        None => parts.account.clone(),
        Some(Ok(account)) => account,
        Some(Err(error)) => return failure(StatusCode::BAD_REQUEST, &error.to_string(), None),
    };
    match parts.meter.bill(&account, month.as_deref()).await {
        Ok(bill) => json(StatusCode::OK, &bill),
        Err(error) => {
            tracing::error!(%error, "the bill cannot be made");
            failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the store cannot be read; the server's log says why",
                None,
            )
        }
    }
}

fn is_month(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    matches!(text.split_once('-'), Some((year, month))
        if year.len() == 4 && month.len() == 2 && digits(year) && digits(month))
}
