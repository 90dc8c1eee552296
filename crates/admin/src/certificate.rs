//! `GET /_lambent/sns/NAME.pem`: what checks the signatures of notifications.

use http::StatusCode;
use sns::Sns;
use wire::Response;

use crate::answer::{failure, pem, store_failed};

pub(crate) async fn show(sns: &Sns, name: &str) -> Response {
    match sns.certificate(name).await {
        Ok(Some(certificate)) => pem(certificate),
        Ok(None) => failure(StatusCode::NOT_FOUND, "there is no certificate of this name", None),
        Err(error) => store_failed(&error),
    }
}
