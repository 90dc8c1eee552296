//! `GET /_lambent/cost?month=2026-11&account=000000000000`.

use http::StatusCode;
use ids::AccountId;
use wire::Response;

use crate::AdminParts;
use crate::answer::{invalid, json, store_failed};
use crate::query::Query;

pub(crate) async fn show(parts: &AdminParts, query: &str) -> Response {
    let query = match Query::parse(query, &["month", "account"]) {
        Ok(query) => query,
        Err(message) => return invalid(&message),
    };
    let month = query.text("month");
    if month.is_some_and(|month| !is_month(month)) {
        return invalid("month is not of the form 2026-11");
    }
    let account = match query.text("account").map(AccountId::parse) {
        None => parts.account.clone(),
        Some(Ok(account)) => account,
        Some(Err(error)) => return invalid(&error.to_string()),
    };
    match parts.meter.bill(&account, month).await {
        Ok(bill) => json(StatusCode::OK, &bill),
        Err(error) => store_failed(&error),
    }
}

fn is_month(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    matches!(text.split_once('-'), Some((year, month))
        if year.len() == 4 && month.len() == 2 && digits(year) && digits(month))
}
