//! Which operation of which service a request asks for.
//!
//! All services share one address. What tells them apart is tried in a fixed order: the rpcv2Cbor path,
//! `X-Amz-Target`, the awsQuery action, the signing name in the credential scope, and last the REST path alone.

use std::borrow::Cow;
use std::sync::Arc;

use auth::Scope;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use wire::{
    Error, Labels, OperationSchema, Protocol, RouteMatch, Segment, Service, ServiceSchema, match_route,
};

use crate::refusal::{Dialect, Refusal};

/// The services that are served.
#[derive(Debug)]
pub(crate) struct Services(Vec<Arc<dyn Service>>);

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) operation: &'static OperationSchema,
    pub(crate) protocol: Protocol,
    pub(crate) labels: Labels,
}

impl Route {
    /// Where the path is not that of the service but says what is meant: older clients of SQS send to a queue's URL.
    fn with_path(mut self, parts: &Parts) -> Self {
        let path = parts.uri.path();
        if let [Segment::Greedy(label)] = self.operation.path
            && path != "/"
        {
            self.labels.push((label, path.to_owned()));
        }
        self
    }
}

impl Services {
    pub(crate) fn new(services: Vec<Arc<dyn Service>>) -> Self {
        Self(services)
    }

    /// Finds the operation, or says in the client's protocol that there is none.
    pub(crate) fn resolve(&self, parts: &Parts, body: &[u8]) -> Result<Route, Refusal> {
        let target = header(parts, "x-amz-target");
        if header(parts, "smithy-protocol") == Some(RPC_V2_CBOR) {
            return self.by_cbor_path(parts, target.is_some());
        }
        if let Some(target) = target {
            return self.by_target(parts, target);
        }
        let scope = Scope::of(parts);
        let scope = scope.as_ref().map(|scope| scope.service.as_ref());
        if let Some(form) = form(parts, body)
            && let Some(action) = parameter(form, "Action")
        {
            let version = parameter(form, "Version");
            return self.by_action(&action, version.as_deref(), scope).map(|route| route.with_path(parts));
        }
        self.by_path(parts, scope)
    }

    /// `POST .../service/NAME/operation/NAME`: only the last four segments count (Smithy, "RPC v2 CBOR").
    fn by_cbor_path(&self, parts: &Parts, has_target: bool) -> Result<Route, Refusal> {
        let protocol = Protocol::RpcV2Cbor;
        let mut segments = parts.uri.path().rsplit('/');
        let mut next = || segments.next().unwrap_or_default();
        let (operation, is_operation, service, is_service) =
            (next(), next() == "operation", next(), next() == "service");
        if !is_operation || !is_service || has_target || parts.method != http::Method::POST {
            return Err(unknown_operation(protocol, None, "The request is not one of rpc-v2-cbor."));
        }
        let name = service.rsplit('.').next().unwrap_or(service);
        let found = self.0.iter().find(|service| {
            let schema = service.schema();
            schema.shape_name == name && schema.protocols.contains(&protocol)
        });
        let Some(service) = found else { return Err(unknown_service(protocol, name)) };
        by_name(service, operation, protocol)
    }

    /// `X-Amz-Target: PREFIX.OPERATION`, with JSON or CBOR. Each JSON service gets its own JSON version, whichever the
    /// client named.
    fn by_target(&self, parts: &Parts, target: &str) -> Result<Route, Refusal> {
        let (prefix, operation) = target.rsplit_once('.').unwrap_or(("", target));
        let written = target_protocol(parts);
        let found = self.0.iter().find_map(|service| {
            let schema = service.schema();
            let protocols = if schema.target_prefix == Some(prefix) { schema.protocols } else { &[] };
            protocols
                .iter()
                .find(|protocol| match written {
                    Protocol::AwsCbor11 => **protocol == written,
                    _ => matches!(protocol, Protocol::AwsJson10 | Protocol::AwsJson11),
                })
                .map(|protocol| (service, *protocol))
        });
        let Some((service, protocol)) = found else {
            return Err(unknown_service(written, prefix));
        };
        by_name(service, operation, protocol).map(|route| route.with_path(parts))
    }

    /// `Action` and `Version`. The signing name decides between services of the same version.
    fn by_action(&self, action: &str, version: Option<&str>, scope: Option<&str>) -> Result<Route, Refusal> {
        let protocol = Protocol::AwsQuery;
        let mut found = self.0.iter().filter(|service| {
            let schema = service.schema();
            schema.protocols.contains(&protocol)
                && scope.is_none_or(|scope| scope == schema.signing_name)
                && version.is_none_or(|version| version == schema.api_version)
                // Without either, the action itself has to tell.
                && (scope.is_some() || version.is_some() || operation(schema, action).is_some())
        });
        let Some(service) = found.next() else {
            let version = version.unwrap_or("(none)");
            let message = match scope {
                Some(scope) if !self.is_served(scope) => return Err(unknown_service(protocol, scope)),
                _ => format!("Could not find operation {action} for version {version}"),
            };
            return Err(unknown_operation(protocol, None, &message));
        };
        by_name(service, action, protocol)
    }

    /// REST: the services of the signing name, or all of them when the request is not signed.
    fn by_path(&self, parts: &Parts, scope: Option<&str>) -> Result<Route, Refusal> {
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let query = parts.uri.query().unwrap_or_default();
        let meant = || {
            self.0.iter().filter(|service| scope.is_none_or(|scope| scope == service.schema().signing_name))
        };
        for service in meant() {
            let Some(protocol) = rest_protocol(service.schema()) else { continue };
            if let RouteMatch::Operation(operation, labels) =
                match_route(service.schema(), method, path, query)
            {
                return Ok(Route { service: Arc::clone(service), operation, protocol, labels });
            }
        }
        let Some(scope) = scope else {
            let message = "Missing Authentication Token";
            let error = Error::client("MissingAuthenticationTokenException", 403, message);
            return Err(Refusal::new(dialect(parts), error));
        };
        match meant().next().map(|service| service.schema()) {
            Some(schema) => match rest_protocol(schema) {
                Some(protocol) => {
                    let message = format!("{} has no operation for {method} {path}", schema.title);
                    Err(unknown_operation(protocol, Some(schema), &message))
                }
                None => Err(missing_operation(schema)),
            },
            None if scope == "s3" => {
                let error = Error::client("NotImplemented", 501, "S3 is not implemented by Lambent yet.");
                Err(Refusal::new(Dialect::S3, error))
            }
            None => match dialect(parts) {
                Dialect::Protocol(protocol) => Err(unknown_service(protocol, scope)),
                Dialect::S3 => Err(unknown_service(Protocol::RestXml, scope)),
            },
        }
    }

    fn is_served(&self, signing_name: &str) -> bool {
        self.0.iter().any(|service| service.schema().signing_name == signing_name)
    }
}

const RPC_V2_CBOR: &str = "rpc-v2-cbor";

/// How the client most likely expects errors, as far as the head of the request tells.
pub(crate) fn dialect(parts: &Parts) -> Dialect {
    if header(parts, "smithy-protocol") == Some(RPC_V2_CBOR) {
        return Dialect::Protocol(Protocol::RpcV2Cbor);
    }
    if parts.headers.contains_key("x-amz-target") {
        return Dialect::Protocol(target_protocol(parts));
    }
    if is_form(parts) || parameter(parts.uri.query().unwrap_or_default(), "Action").is_some() {
        return Dialect::Protocol(Protocol::AwsQuery);
    }
    match Scope::of(parts) {
        Some(scope) if scope.service == "s3" => Dialect::S3,
        _ => Dialect::Protocol(Protocol::RestJson1),
    }
}

fn by_name(service: &Arc<dyn Service>, name: &str, protocol: Protocol) -> Result<Route, Refusal> {
    let schema = service.schema();
    match operation(schema, name) {
        Some(operation) => {
            Ok(Route { service: Arc::clone(service), operation, protocol, labels: Labels::new() })
        }
        None if protocol == Protocol::AwsQuery => {
            let message = format!("Could not find operation {name} for version {}", schema.api_version);
            Err(unknown_operation(protocol, Some(schema), &message))
        }
        None => {
            let message = format!("{} has no operation {name}", schema.title);
            Err(unknown_operation(protocol, Some(schema), &message))
        }
    }
}

fn operation(schema: &'static ServiceSchema, name: &str) -> Option<&'static OperationSchema> {
    schema.operations.iter().find(|operation| operation.name == name)
}

fn rest_protocol(schema: &ServiceSchema) -> Option<Protocol> {
    schema.protocols.iter().copied().find(|p| matches!(p, Protocol::RestJson1 | Protocol::RestXml))
}

fn unknown_service(protocol: Protocol, name: &str) -> Refusal {
    let message = format!("The service {name} is not implemented by Lambent yet.");
    unknown_operation(protocol, None, &message)
}

/// The codes and statuses of an unknown operation: "Common Errors" of the API references, and Smithy's protocol
/// specifications.
fn unknown_operation(protocol: Protocol, service: Option<&'static ServiceSchema>, message: &str) -> Refusal {
    let (code, status) = match protocol {
        Protocol::AwsQuery => ("InvalidAction", 400),
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::AwsCbor11 => ("UnknownOperationException", 400),
        Protocol::RpcV2Cbor | Protocol::RestJson1 | Protocol::RestXml => ("UnknownOperationException", 404),
    };
    Refusal { service, dialect: Dialect::Protocol(protocol), error: Error::client(code, status, message) }
}

/// A request to a service without paths that does not say what it wants.
fn missing_operation(schema: &'static ServiceSchema) -> Refusal {
    let protocol = schema.protocols.first().copied().unwrap_or(Protocol::AwsJson11);
    if schema.protocols.contains(&Protocol::AwsQuery) {
        let error = Error::client("MissingAction", 400, "The request is missing an action.");
        return Refusal { service: Some(schema), dialect: Dialect::Protocol(Protocol::AwsQuery), error };
    }
    unknown_operation(protocol, Some(schema), "The request names no operation.")
}

/// How a request with a target is written.
fn target_protocol(parts: &Parts) -> Protocol {
    let content_type = header(parts, CONTENT_TYPE.as_str()).unwrap_or_default();
    if content_type.starts_with("application/x-amz-cbor-1.1") {
        Protocol::AwsCbor11
    } else if content_type.starts_with("application/x-amz-json-1.0") {
        Protocol::AwsJson10
    } else {
        Protocol::AwsJson11
    }
}

fn is_form(parts: &Parts) -> bool {
    let content_type = header(parts, CONTENT_TYPE.as_str()).unwrap_or_default();
    content_type.starts_with("application/x-www-form-urlencoded")
}

/// The parameters of an awsQuery request: the body of a form, or the query string of `GET /`; on any other path only
/// with a version, which no path of a REST service has.
fn form<'a>(parts: &'a Parts, body: &'a [u8]) -> Option<&'a str> {
    if is_form(parts) && !body.is_empty() {
        return std::str::from_utf8(body).ok();
    }
    parts.uri.query().filter(|query| parts.uri.path() == "/" || parameter(query, "Version").is_some())
}

fn parameter<'a>(form: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (_, value) = form.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
    percent_decode_str(value).decode_utf8().ok()
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests;
