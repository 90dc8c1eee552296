//! What a request says about its own signature, in the header or in a presigned query.

use std::borrow::Cow;
use std::time::Duration;

use clock::Timestamp;
use http::HeaderMap;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::{AuthError, Credential};

/// The one algorithm that is verified.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A presigned request is valid for at most a week (AWS general reference, "Signature Version 4").
const EXPIRES_MAX_SECS: u64 = 604_800;

/// A signature with all that is needed to check it.
#[derive(Debug)]
pub(crate) struct Authorization {
    pub(crate) credential: Credential,
    pub(crate) signed_headers: Vec<String>,
    pub(crate) signature: String,
    pub(crate) signed: Timestamp,
    /// `signed` in SigV4's form.
    pub(crate) signed_text: String,
    pub(crate) token: Option<String>,
    /// Set on a presigned request.
    pub(crate) presigned: Option<Presigned>,
}

#[derive(Debug)]
pub(crate) struct Presigned {
    /// Only S3 insists on it; elsewhere the ordinary time window holds without it.
    pub(crate) expires: Option<Duration>,
}

/// A credential scope read without any check: enough to route a request and to name its region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The access key's id.
    pub access_key: Cow<'a, str>,
    /// The region, as it was written.
    pub region: Cow<'a, str>,
    /// The service's signing name.
    pub service: Cow<'a, str>,
}

impl<'a> Scope<'a> {
    /// The scope in the `Authorization` header or in `X-Amz-Credential`, if there is a readable one.
    #[must_use]
    pub fn of(parts: &'a Parts) -> Option<Self> {
        if let Some(text) = header(&parts.headers, "authorization") {
            let credential = text.split([' ', ',']).find_map(|field| field.strip_prefix("Credential="))?;
            let [access_key, _date, region, service] = split_credential(credential)?;
            return Some(Self {
                access_key: access_key.into(),
                region: region.into(),
                service: service.into(),
            });
        }
        let credential = query_value(parts, "X-Amz-Credential")?;
        let [access_key, _date, region, service] = split_credential(&credential)?;
        Some(Self {
            access_key: access_key.to_owned().into(),
            region: region.to_owned().into(),
            service: service.to_owned().into(),
        })
    }
}

impl Authorization {
    /// Reads the signature of a request, wherever it stands.
    pub(crate) fn parse(parts: &Parts) -> Result<Self, AuthError> {
        if parts.headers.contains_key(http::header::AUTHORIZATION) {
            return Self::from_header(parts);
        }
        let presigned = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"];
        if presigned.iter().any(|name| query_value(parts, name).is_some()) {
            return Self::from_query(parts);
        }
        Err(AuthError::Missing)
    }

    fn from_header(parts: &Parts) -> Result<Self, AuthError> {
        let malformed = |text: &str| AuthError::Malformed(text.to_owned());
        let text = header(&parts.headers, "authorization")
            .ok_or_else(|| malformed("Authorization header is not readable text."))?;
        let (algorithm, fields) = text.split_once(' ').unwrap_or((text, ""));
        if algorithm != ALGORITHM {
            return Err(AuthError::UnsupportedAlgorithm(algorithm.to_owned()));
        }
        let field = |name: &str| {
            fields.split(',').filter_map(|field| field.trim().split_once('=')).find(|(key, _)| *key == name)
        };
        let date = signing_date(&parts.headers);
        let (Some((_, credential)), Some((_, signed_headers)), Some((_, signature)), Some(date)) =
            (field("Credential"), field("SignedHeaders"), field("Signature"), date)
        else {
            let missing = ["Credential", "Signature", "SignedHeaders"]
                .iter()
                .filter(|name| field(name).is_none())
                .map(|name| format!("Authorization header requires '{name}' parameter."))
                .chain(date.is_none().then(|| {
                    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
                        .to_owned()
                }))
                .collect::<Vec<_>>();
            return Err(AuthError::Malformed(missing.join(" ")));
        };
        let signed = date.ok_or_else(|| {
            malformed("Date must be in ISO-8601 'basic format', such as 20150830T123600Z, in 'X-Amz-Date'.")
        })?;
        let authorization = Self {
            credential: parse_credential(credential).map_err(AuthError::Malformed)?,
            signed_headers: split_headers(signed_headers),
            signature: signature.to_owned(),
            signed,
            signed_text: signed.sigv4(),
            token: header(&parts.headers, "x-amz-security-token").map(str::to_owned),
            presigned: None,
        };
        authorization.check().map_err(AuthError::Malformed)?;
        Ok(authorization)
    }

    fn from_query(parts: &Parts) -> Result<Self, AuthError> {
        let required = |name: &str| {
            query_value(parts, name).ok_or_else(|| {
                AuthError::MalformedQuery(
                    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                     X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
                        .to_owned(),
                )
            })
        };
        let algorithm = required("X-Amz-Algorithm")?;
        if algorithm != ALGORITHM {
            return Err(AuthError::UnsupportedAlgorithm(algorithm));
        }
        let credential = required("X-Amz-Credential")?;
        let credential = parse_credential(&credential).map_err(AuthError::MalformedQuery)?;
        let signature = required("X-Amz-Signature")?;
        let date = required("X-Amz-Date")?;
        let signed = Timestamp::parse_sigv4(&date).map_err(|_| {
            AuthError::MalformedQuery(
                "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"".to_owned(),
            )
        })?;
        let signed_headers = split_headers(&required("X-Amz-SignedHeaders")?);
        let expires = match query_value(parts, "X-Amz-Expires") {
            Some(text) => Some(parse_expires(&text)?),
            None if credential.service == "s3" => Some(parse_expires(&required("X-Amz-Expires")?)?),
            None => None,
        };
        let authorization = Self {
            credential,
            signed_headers,
            signature,
            signed,
            signed_text: date,
            token: query_value(parts, "X-Amz-Security-Token"),
            presigned: Some(Presigned { expires }),
        };
        authorization.check().map_err(AuthError::MalformedQuery)?;
        Ok(authorization)
    }

    /// The rules between the parts.
    fn check(&self) -> Result<(), String> {
        let (date, signed) = (&self.credential.date, &self.signed_text);
        let day = signed.get(..8).unwrap_or_default();
        if date != day {
            return Err(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{date}' != '{day}', from '{signed}'."
            ));
        }
        if !self.signed_headers.iter().any(|name| name == "host" || name == ":authority") {
            return Err(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned()
            );
        }
        Ok(())
    }
}

/// The first value of a parameter in the query, decoded.
pub(crate) fn query_value(parts: &Parts, name: &str) -> Option<String> {
    let query = parts.uri.query()?;
    let (_, value) =
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `None`: no date at all. `Some(None)`: one that cannot be read.
#[expect(clippy::option_option, reason = "an absent and an unreadable date have messages of their own")]
fn signing_date(headers: &HeaderMap) -> Option<Option<Timestamp>> {
    if let Some(text) = header(headers, "x-amz-date") {
        return Some(Timestamp::parse_sigv4(text).ok());
    }
    header(headers, "date")
        .map(|text| Timestamp::parse_sigv4(text).or_else(|_| Timestamp::parse_http_date(text)).ok())
}

/// Access key, date, region and service. From the right, since an access key may contain a slash.
fn split_credential(text: &str) -> Option<[&str; 4]> {
    let mut parts = text.rsplitn(5, '/');
    let (Some("aws4_request"), Some(service), Some(region), Some(date), Some(access_key)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    Some([access_key, date, region, service])
}

fn parse_credential(text: &str) -> Result<Credential, String> {
    let [access_key, date, region, service] = split_credential(text).ok_or_else(|| {
        format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request, \
             got '{text}'"
        )
    })?;
    if access_key.is_empty() || date.len() != 8 || region.is_empty() || service.is_empty() {
        return Err(format!("Credential has an empty or malformed element, got '{text}'"));
    }
    Ok(Credential {
        access_key: access_key.to_owned(),
        date: date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
    })
}

fn split_headers(text: &str) -> Vec<String> {
    text.split(';').map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty()).collect()
}

fn parse_expires(text: &str) -> Result<Duration, AuthError> {
    let error = |text: &str| Err(AuthError::MalformedQuery(text.to_owned()));
    match text.parse::<i128>() {
        Err(_) => error("X-Amz-Expires should be a number"),
        Ok(secs) => match u64::try_from(secs) {
            Ok(secs @ 1..=EXPIRES_MAX_SECS) => Ok(Duration::from_secs(secs)),
            Ok(1..) => error(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be \
                 less than 604800 seconds",
            ),
            Ok(0) => error("X-Amz-Expires must be at least 1"),
            Err(_) => error("X-Amz-Expires must be non-negative"),
        },
    }
}
