//! Keeps web pages away from the API.
//!
//! Any page that a developer opens can send requests to their own machine. awsQuery calls are "simple" requests,
//! which a browser sends without asking; and a page whose name resolves to 127.0.0.1 (DNS rebinding) even counts
//! as the same origin. So requests of foreign pages are refused, and so are unknown host names on a loopback
//! listener.

use std::net::Ipv6Addr;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use wire::{Body, Bytes};

use crate::Config;
use crate::local::is_local;

/// Names that belong to AWS, to which clients may have been pointed at us, and LocalStack's name for the loopback
/// address. Their owners do not hand out addresses under them at will.
const KNOWN_DOMAINS: [&str; 6] =
    ["localhost", "amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws", "localhost.localstack.cloud"];

/// What scripts of an allowed origin may read of an answer.
const EXPOSED_HEADERS: &str = "x-amzn-RequestId, x-amzn-ErrorType, x-amzn-ErrorMessage, Date, x-amz-function-error, \
                               x-amz-log-result, x-amz-executed-version, x-amzn-Remapped-Content-Type";

/// How long a browser may remember the answer to its preflight request.
const PREFLIGHT_AGE_SECS: &str = "600";

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The host name is not one of ours.
    UnknownHost,
    /// It comes from the page of another origin.
    ForeignOrigin,
}

/// The host and port that a request is addressed to.
pub(crate) fn host(parts: &Parts) -> Option<&str> {
    // HTTP/2 and absolute request targets carry it in the URI; it wins over the header (RFC 9112, 3.2.2).
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    authority.or_else(|| parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()))
}

/// Lets through what a client or a page of our own sends.
pub(crate) fn check(parts: &Parts, loopback: bool, config: &Config) -> Result<(), Refused> {
    if loopback && !host(parts).is_none_or(|host| is_known_host(host, config)) {
        return Err(Refused::UnknownHost);
    }
    if !is_foreign(parts, config) || is_harmless(parts) {
        return Ok(());
    }
    Err(Refused::ForeignOrigin)
}

/// Reading is harmless as long as the page cannot see the answer; an awsQuery call by GET may do anything, and the
/// server's own pages are only to be navigated to.
fn is_harmless(parts: &Parts) -> bool {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return false;
    }
    if is_local(parts.uri.path()) {
        return header(parts, "sec-fetch-mode") == Some("navigate");
    }
    !parts.uri.query().unwrap_or_default().split('&').any(|pair| pair.starts_with("Action="))
}

/// Whether a page of another origin is behind the request. Clients that are no browsers send neither header.
fn is_foreign(parts: &Parts, config: &Config) -> bool {
    match parts.headers.get(ORIGIN) {
        Some(origin) => !is_allowed_origin(origin, parts, config),
        // Images and links come without an origin, but say that they cross sites.
        None => matches!(header(parts, "sec-fetch-site"), Some("cross-site" | "same-site")),
    }
}

fn is_allowed_origin(origin: &HeaderValue, parts: &Parts, config: &Config) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let same = authority.zip(host(parts)).is_some_and(|(theirs, ours)| theirs.eq_ignore_ascii_case(ours));
    same || config.browser_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
}

fn is_known_host(host: &str, config: &Config) -> bool {
    let name = without_port(host);
    let is_address = name.parse::<std::net::Ipv4Addr>().is_ok()
        || name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .is_some_and(|name| name.parse::<Ipv6Addr>().is_ok());
    is_address
        || KNOWN_DOMAINS.iter().any(|domain| is_within(name, domain))
        || config.hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether `name` is `domain` or a name under it.
fn is_within(name: &str, domain: &str) -> bool {
    let Some(split) = name.len().checked_sub(domain.len()) else { return false };
    name.is_char_boundary(split)
        && name[split..].eq_ignore_ascii_case(domain)
        && (split == 0 || name.as_bytes()[split - 1] == b'.')
}

/// The answer to a browser that asks whether it may send a request; nothing when the request does not ask that.
/// Foreign origins never come here.
pub(crate) fn answer_preflight(parts: &Parts) -> Option<wire::Response> {
    if parts.method != Method::OPTIONS || !parts.headers.contains_key(ORIGIN) {
        return None;
    }
    let method = parts.headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    let mut response = Response::new(Body::Full(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, method.clone());
    if let Some(names) = parts.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_AGE_SECS));
    Some(response)
}

/// The origin that may read the answer, if the request comes from a page at all.
pub(crate) fn reader(parts: &Parts, config: &Config) -> Option<HeaderValue> {
    let origin = parts.headers.get(ORIGIN)?;
    is_allowed_origin(origin, parts, config).then(|| origin.clone())
}

/// Lets the page at `origin` read the answer.
pub(crate) fn let_read(response: &mut wire::Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn config() -> Config {
        Config {
            hosts: vec!["lambent.test".to_owned()],
            browser_origins: vec!["https://console.example".to_owned()],
            ..Config::default()
        }
    }

    #[test]
    fn a_loopback_listener_answers_to_its_own_names() {
        for host in [
            "127.0.0.1:4566",
            "[::1]:4566",
            "10.0.0.1",
            "localhost",
            "LOCALHOST:4566",
            "bucket.localhost:4566",
            "sqs.eu-west-1.amazonaws.com",
            "s3.localhost.localstack.cloud:4566",
            "lambent.test:1",
        ] {
            assert_eq!(check(&request("POST", "/", &[("host", host)]), true, &config()), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "notamazonaws.com",
            "evil",
            "",
            "127.0.0.1.evil.example",
            "x:y",
        ] {
            let parts = request("GET", "/", &[("host", host)]);
            assert_eq!(check(&parts, true, &config()), Err(Refused::UnknownHost), "{host}");
            assert_eq!(check(&parts, false, &config()), Ok(()));
        }
        assert_eq!(check(&request("GET", "/", &[]), true, &config()), Ok(()));
        let absolute = request("GET", "http://evil.example/", &[("host", "localhost")]);
        assert_eq!(check(&absolute, true, &config()), Err(Refused::UnknownHost));
    }

    #[test]
    fn pages_of_other_origins_cannot_change_anything() {
        let host = ("host", "127.0.0.1:4566");
        let refused = Err(Refused::ForeignOrigin);
        let origins = ["http://evil.example", "null", "http://127.0.0.1:8000", "http://localhost:4566"];
        for origin in origins.map(|origin| ("origin", origin)) {
            assert_eq!(check(&request("POST", "/", &[host, origin]), true, &config()), refused);
            assert_eq!(check(&request("OPTIONS", "/", &[host, origin]), true, &config()), refused);
            assert_eq!(check(&request("GET", "/?Action=X", &[host, origin]), true, &config()), refused);
            assert_eq!(check(&request("GET", "/functions", &[host, origin]), true, &config()), Ok(()));
            assert_eq!(check(&request("GET", "/_lambent/reset", &[host, origin]), true, &config()), refused);
        }
        for origin in ["http://127.0.0.1:4566", "https://console.example"].map(|origin| ("origin", origin)) {
            assert_eq!(check(&request("POST", "/", &[host, origin]), true, &config()), Ok(()));
        }
        assert_eq!(check(&request("POST", "/", &[host]), true, &config()), Ok(()));
    }

    #[test]
    fn links_and_images_of_other_sites_cannot_call_the_api() {
        let cross = [("host", "127.0.0.1:4566"), ("sec-fetch-site", "cross-site")];
        let image = request("GET", "/?Version=1&Action=DeleteRole", &cross);
        assert_eq!(check(&image, true, &config()), Err(Refused::ForeignOrigin));
        let link = [cross[0], cross[1], ("sec-fetch-mode", "navigate")];
        assert_eq!(check(&request("GET", "/_lambent/console", &link), true, &config()), Ok(()));
        let own = [("host", "127.0.0.1:4566"), ("sec-fetch-site", "same-origin")];
        assert_eq!(check(&request("GET", "/?Action=X", &own), true, &config()), Ok(()));
    }

    #[test]
    fn a_preflight_is_answered_with_what_it_asks_for() {
        let asks = [
            ("origin", "https://console.example"),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "authorization,x-amz-date"),
        ];
        let parts = request("OPTIONS", "/functions", &asks);
        let mut response = answer_preflight(&parts).unwrap();
        let_read(&mut response, reader(&parts, &config()).unwrap());
        let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(response.status(), 204);
        assert_eq!(header("access-control-allow-origin"), "https://console.example");
        assert_eq!(header("access-control-allow-methods"), "PUT");
        assert_eq!(header("access-control-allow-headers"), "authorization,x-amz-date");
        assert!(answer_preflight(&request("OPTIONS", "/", &asks[..1])).is_none());
        assert!(reader(&request("GET", "/", &[("origin", "http://evil.example")]), &config()).is_none());
    }
}
