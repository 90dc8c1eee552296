//! Requests to a running server's own paths.

use std::time::Duration;

use serde_json::Value;

use crate::arguments::EndpointOption;
use crate::failure::Failure;

impl EndpointOption {
    /// Reads a document of the server.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.answer(agent().get(self.url(path)).call())
    }

    /// Asks the server to do something.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = agent().post(self.url(path)).header("content-type", "application/json");
        self.answer(request.send(body.to_string()))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint.trim_end_matches('/'))
    }

    fn answer(
        &self,
        result: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, Failure> {
        let mut response = result.map_err(|error| {
            Failure::new(
                format!("no answer from {}: {error}", self.endpoint),
                "start a server with `lambent`, or name another one with --endpoint URL",
            )
        })?;
        let status = response.status();
        let text = response.body_mut().read_to_string()?;
        let document: Value = serde_json::from_str(&text).map_err(|_| {
            Failure::new(
                format!("{} does not answer like Lambent (status {status})", self.endpoint),
                "name Lambent's address with --endpoint URL",
            )
        })?;
        if status.is_success() {
            return Ok(document);
        }
        let message = document["message"].as_str().unwrap_or(&text).to_owned();
        Err(Failure { cause: message, remedy: document["remedy"].as_str().map(str::to_owned) })
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(5)))
        .build()
        .into()
}
