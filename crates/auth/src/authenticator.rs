//! From a request to its caller.

use std::sync::Arc;
use std::time::Duration;

use clock::{SharedClock, Timestamp};
use http::request::Parts;
use ids::{AccountId, Region};

use crate::authorization::{Authorization, header, query_value};
use crate::canonical::canonical_request;
use crate::error::SKEW_MINUTES;
use crate::signature::{EMPTY_SHA256, sha256_hex, string_to_sign, verify};
use crate::{
    AccessKey, AccessKeys, AuthError, Caller, Credential, Mismatch, Scope, SessionError, SessionKeys,
};

/// Stands where the payload's hash would, when the client did not sign the payload.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// How much a request has to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: any credentials do, and none do too. What they say is believed.
    Off,
    /// Every request must be signed with a key that is known here.
    Strict,
}

/// Account and region of a request that names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// Whose state an anonymous request sees.
    pub account: AccountId,
    /// Where a request without a credential scope is served.
    pub region: Region,
}

/// Establishes who sent a request.
#[derive(Debug, Clone)]
pub struct Authenticator {
    mode: Mode,
    keys: Arc<dyn AccessKeys>,
    sessions: SessionKeys,
    clock: SharedClock,
}

impl Authenticator {
    /// `clock` must be real time, also where the platform's is virtual: clients sign with theirs.
    #[must_use]
    pub fn new(mode: Mode, keys: Arc<dyn AccessKeys>, sessions: SessionKeys, clock: SharedClock) -> Self {
        Self { mode, keys, sessions, clock }
    }

    /// Whether signatures are checked.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The caller of a request whose whole body is `body`. `service` is the signing name of the service that
    /// will serve it, where one is known.
    ///
    /// # Errors
    /// [`AuthError`] when the caller cannot be established. Never with [`Mode::Off`].
    pub async fn authenticate(
        &self,
        parts: &Parts,
        body: &[u8],
        service: Option<&str>,
        defaults: &Defaults,
    ) -> Result<Caller, AuthError> {
        match self.mode {
            Mode::Off => Ok(self.believe(parts, defaults).await),
            Mode::Strict => self.verify(parts, body, service).await,
        }
    }

    /// Takes the request at its word. Credentials that were issued here still tell whose they are.
    async fn believe(&self, parts: &Parts, defaults: &Defaults) -> Caller {
        let Some(scope) = Scope::of(parts) else {
            return Caller::unverified_root(None, defaults.account.clone(), defaults.region.clone());
        };
        let region = Region::parse(&scope.region).unwrap_or_else(|_| defaults.region.clone());
        let access_key = scope.access_key.into_owned();
        let token = header(&parts.headers, "x-amz-security-token")
            .map(str::to_owned)
            .or_else(|| query_value(parts, "X-Amz-Security-Token"));
        if let Some((session, _)) = token.and_then(|token| self.sessions.recognize(&access_key, &token)) {
            return Caller {
                access_key: Some(access_key),
                account: session.account,
                region,
                principal_arn: session.principal_arn,
                principal_id: session.principal_id,
                verified: false,
            };
        }
        if let Ok(Some(key)) = self.keys.access_key(&access_key).await {
            return Caller { verified: false, ..known_caller(access_key, key, region) };
        }
        let account = AccountId::parse(&access_key).unwrap_or_else(|_| defaults.account.clone());
        Caller::unverified_root(Some(access_key), account, region)
    }

    async fn verify(&self, parts: &Parts, body: &[u8], service: Option<&str>) -> Result<Caller, AuthError> {
        let authorization = Authorization::parse(parts)?;
        let region = check_scope(&authorization.credential, service)?;
        let now = self.clock.now();
        let (caller, secret) = self.holder(&authorization, region, now).await?;
        check_time(&authorization, now)?;
        check_signature(parts, authorization, body, &secret)?;
        Ok(caller)
    }

    /// Who holds the access key, and its secret.
    async fn holder(
        &self,
        authorization: &Authorization,
        region: Region,
        now: Timestamp,
    ) -> Result<(Caller, String), AuthError> {
        let access_key = authorization.credential.access_key.clone();
        if access_key.starts_with("ASIA") {
            let token = authorization.token.as_deref().ok_or(AuthError::InvalidToken)?;
            let (session, secret) =
                self.sessions.resolve(&access_key, token, now).map_err(|error| match error {
                    SessionError::Invalid => AuthError::InvalidToken,
                    SessionError::Expired => AuthError::ExpiredToken,
                })?;
            let caller = Caller {
                access_key: Some(access_key),
                account: session.account,
                region,
                principal_arn: session.principal_arn,
                principal_id: session.principal_id,
                verified: true,
            };
            return Ok((caller, secret));
        }
        let found = self.keys.access_key(&access_key).await.map_err(|error| AuthError::Lookup(error.0))?;
        let Some(key) = found else { return Err(AuthError::UnknownAccessKey { access_key }) };
        if authorization.token.is_some() {
            return Err(AuthError::InvalidToken);
        }
        let secret = key.secret.clone();
        Ok((known_caller(access_key, key, region), secret))
    }
}

fn known_caller(access_key: String, key: AccessKey, region: Region) -> Caller {
    Caller {
        access_key: Some(access_key),
        account: key.account,
        region,
        principal_arn: key.principal_arn,
        principal_id: key.principal_id,
        verified: true,
    }
}

fn check_scope(credential: &Credential, service: Option<&str>) -> Result<Region, AuthError> {
    if let Some(service) = service.filter(|service| *service != credential.service) {
        return Err(AuthError::Malformed(format!(
            "Credential should be scoped to correct service: '{service}'. "
        )));
    }
    Region::parse(&credential.region).map_err(|_| {
        let region = &credential.region;
        AuthError::Malformed(format!("Credential should be scoped to a valid region, not '{region}'. "))
    })
}

fn check_time(authorization: &Authorization, now: Timestamp) -> Result<(), AuthError> {
    let skew = Duration::from_secs(SKEW_MINUTES * 60);
    let signed = authorization.signed;
    if signed > now + skew {
        return Err(AuthError::SignatureNotYetCurrent { signed, now });
    }
    match authorization.presigned.as_ref().and_then(|presigned| presigned.expires) {
        Some(expires) if signed + expires < now => {
            Err(AuthError::PresignedExpired { expired: signed + expires, now })
        }
        None if signed + skew < now => Err(AuthError::SignatureExpired { signed, now }),
        _ => Ok(()),
    }
}

fn check_signature(
    parts: &Parts,
    authorization: Authorization,
    body: &[u8],
    secret: &str,
) -> Result<(), AuthError> {
    let payload_hash = payload_hash(parts, &authorization, body)?;
    if authorization.credential.service == "s3" {
        check_signed_headers(parts, &authorization)?;
    }
    let canonical = canonical_request(parts, &authorization, &payload_hash);
    let string_to_sign = string_to_sign(&authorization.credential, &authorization.signed_text, &canonical);
    if verify(secret, &authorization.credential, &string_to_sign, &authorization.signature) {
        return Ok(());
    }
    Err(AuthError::SignatureMismatch(Box::new(Mismatch {
        access_key: authorization.credential.access_key,
        string_to_sign,
        canonical_request: String::from_utf8_lossy(&canonical).into_owned(),
        signature_provided: authorization.signature,
    })))
}

/// The canonical request's last line, checked against the body.
fn payload_hash(parts: &Parts, authorization: &Authorization, body: &[u8]) -> Result<String, AuthError> {
    let provided = match header(&parts.headers, "x-amz-content-sha256") {
        Some(text) => Some(text.to_owned()),
        None if authorization.presigned.is_some() => query_value(parts, "X-Amz-Content-Sha256"),
        None => None,
    };
    let Some(provided) = provided else {
        let unsigned = authorization.presigned.is_some() && authorization.credential.service == "s3";
        return Ok(if unsigned { UNSIGNED_PAYLOAD.to_owned() } else { sha256_hex(body) });
    };
    if provided == UNSIGNED_PAYLOAD {
        return Ok(provided);
    }
    if provided.starts_with("STREAMING-") {
        return Err(AuthError::StreamingPayload(provided));
    }
    let matches = if body.is_empty() { provided == EMPTY_SHA256 } else { provided == sha256_hex(body) };
    if matches {
        return Ok(provided);
    }
    Err(AuthError::ContentMismatch { provided, computed: sha256_hex(body) })
}

/// S3 wants each `x-amz-*` header signed ("Signature calculations", S3 API reference).
fn check_signed_headers(parts: &Parts, authorization: &Authorization) -> Result<(), AuthError> {
    let unsigned: Vec<String> = parts
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.starts_with("x-amz-") && !authorization.signed_headers.iter().any(|s| s == name))
        .map(str::to_owned)
        .collect();
    if unsigned.is_empty() { Ok(()) } else { Err(AuthError::HeadersNotSigned(unsigned)) }
}

#[cfg(test)]
mod tests;
