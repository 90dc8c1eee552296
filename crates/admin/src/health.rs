//! `GET /_lambent/health`, and the same where LocalStack's tools look for it.

use http::StatusCode;
use serde_json::{Map, Value, json};
use wire::Response;

use crate::AdminParts;
use crate::answer;

pub(crate) fn show(parts: &AdminParts) -> Response {
    let services: Map<String, Value> =
        parts.services.iter().map(|name| ((*name).to_owned(), Value::from("running"))).collect();
    let document =
        json!({ "services": services, "edition": "lambent", "version": env!("CARGO_PKG_VERSION") });
    answer::json(StatusCode::OK, &document)
}
