//! The canonical form of a request: what both sides hash.

use std::borrow::Cow;

use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};

use crate::authorization::Authorization;

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The canonical request. `payload_hash` is its last line.
pub(crate) fn canonical_request(parts: &Parts, authorization: &Authorization, payload_hash: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(1024);
    text.extend_from_slice(parts.method.as_str().as_bytes());
    text.push(b'\n');
    text.extend_from_slice(canonical_path(parts.uri.path(), &authorization.credential.service).as_bytes());
    text.push(b'\n');
    let query = parts.uri.query().unwrap_or_default();
    text.extend_from_slice(canonical_query(query, authorization.presigned.is_some()).as_bytes());
    text.push(b'\n');
    for name in &authorization.signed_headers {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        push_header_values(&mut text, parts, name);
        text.push(b'\n');
    }
    text.push(b'\n');
    text.extend_from_slice(authorization.signed_headers.join(";").as_bytes());
    text.push(b'\n');
    text.extend_from_slice(payload_hash.as_bytes());
    text
}

/// S3 encodes the path once and takes it as it is; all others normalize it and encode what is encoded already.
fn canonical_path(raw: &str, service: &str) -> String {
    let path =
        if service == "s3" { percent_decode_str(raw).decode_utf8_lossy() } else { normalize_path(raw) };
    utf8_percent_encode(&path, RESERVED_IN_PATH).to_string()
}

/// Removes empty, `.` and `..` segments. A slash at the end stays.
fn normalize_path(raw: &str) -> Cow<'_, str> {
    let is_odd = |segment: &str| segment.is_empty() || segment == "." || segment == "..";
    let inner = raw.strip_prefix('/').unwrap_or(raw);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    if raw.starts_with('/') && (inner.is_empty() || !inner.split('/').any(is_odd)) && raw != "//" {
        return Cow::Borrowed(raw);
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    let end = if raw.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    Cow::Owned(format!("/{}{end}", segments.join("/")))
}

/// Parameters in their one encoded form, sorted; without the signature when that stands in the query itself.
fn canonical_query(query: &str, presigned: bool) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| !(presigned && *name == "X-Amz-Signature"))
        .map(|(name, value)| (reencode(name), reencode(value)))
        .collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn reencode(text: &str) -> String {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    percent_encode(&decode(&spaced), RESERVED).to_string()
}

fn decode(text: &str) -> Cow<'_, [u8]> {
    percent_decode_str(text).into()
}

/// All values of a header, trimmed, with runs of white space inside made one space, joined by commas.
fn push_header_values(text: &mut Vec<u8>, parts: &Parts, name: &str) {
    let mut first = true;
    for value in parts.headers.get_all(name) {
        if !std::mem::take(&mut first) {
            text.push(b',');
        }
        let words = value.as_bytes().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                text.push(b' ');
            }
            text.extend_from_slice(word);
        }
    }
    // HTTP/2 carries the host as `:authority`, which is signed under the name of `host`.
    if let Some(authority) =
        parts.uri.authority().filter(|_| first && (name == "host" || name == ":authority"))
    {
        text.extend_from_slice(authority.as_str().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalized_as_botocore_does() {
        for (raw, canonical) in [
            ("/", "/"),
            ("", "/"),
            ("//", "/"),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b/"),
            ("//a//b//", "/a/b/"),
            ("/a/./b/../c", "/a/c"),
            ("/..", "/"),
            ("/./", "/"),
        ] {
            assert_eq!(normalize_path(raw), canonical, "{raw}");
        }
    }

    #[test]
    fn what_is_encoded_is_encoded_again_except_for_s3() {
        let raw = "/functions/arn%3Aaws%3Alambda/a b~";
        assert_eq!(canonical_path(raw, "lambda"), "/functions/arn%253Aaws%253Alambda/a%20b~");
        assert_eq!(canonical_path(raw, "s3"), "/functions/arn%3Aaws%3Alambda/a%20b~");
        assert_eq!(canonical_path("//a/../b", "s3"), "//a/../b");
    }

    #[test]
    fn parameters_are_sorted_by_name_then_value() {
        assert_eq!(canonical_query("b=2&a-x=1&a=2&a=1&c&d=%2f", false), "a=1&a=2&a-x=1&b=2&c=&d=%2F");
        assert_eq!(canonical_query("X-Amz-Signature=1&a=1", true), "a=1");
        assert_eq!(canonical_query("X-Amz-Signature=1&a=1", false), "X-Amz-Signature=1&a=1");
    }
}
