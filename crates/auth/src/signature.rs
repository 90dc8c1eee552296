//! SigV4's keyed hashes.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

pub(crate) type HmacSha256 = Hmac<Sha256>;

/// SHA-256 of nothing.
pub(crate) const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// An access key and what it is scoped to in one signature: `KEY/20150830/us-east-1/lambda/aws4_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The access key's id.
    pub access_key: String,
    /// The day, `yyyymmdd`.
    pub date: String,
    /// The region the request is meant for.
    pub region: String,
    /// The service's signing name.
    pub service: String,
}

impl Credential {
    /// The scope: the credential without the access key.
    #[must_use]
    pub fn scope(&self) -> String {
        let Self { date, region, service, .. } = self;
        format!("{date}/{region}/{service}/aws4_request")
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    if bytes.is_empty() { EMPTY_SHA256.to_owned() } else { hex(&Sha256::digest(bytes)) }
}

/// What is signed: algorithm, time, scope and the canonical request's hash.
pub(crate) fn string_to_sign(credential: &Credential, signed: &str, canonical_request: &[u8]) -> String {
    let hash = sha256_hex(canonical_request);
    format!("AWS4-HMAC-SHA256\n{signed}\n{}\n{hash}", credential.scope())
}

/// The signature of `string_to_sign`, in lower-case hexadecimal.
#[must_use]
pub fn sign(secret: &str, credential: &Credential, string_to_sign: &str) -> String {
    hex(&signing_mac(secret, credential, string_to_sign).finalize().into_bytes())
}

/// Whether `signature` (hexadecimal) is that of `string_to_sign`. Takes the same time wherever they differ.
pub(crate) fn verify(secret: &str, credential: &Credential, string_to_sign: &str, signature: &str) -> bool {
    let Some(bytes) = unhex(signature) else { return false };
    signing_mac(secret, credential, string_to_sign).verify_slice(&bytes).is_ok()
}

fn signing_mac(secret: &str, credential: &Credential, string_to_sign: &str) -> HmacSha256 {
    let prefixed = [b"AWS4", secret.as_bytes()].concat();
    let date = hmac(&prefixed, credential.date.as_bytes());
    let region = hmac(&date, credential.region.as_bytes());
    let service = hmac(&region, credential.service.as_bytes());
    let key = hmac(&service, b"aws4_request");
    mac(&key).chain_update(string_to_sign.as_bytes())
}

pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    mac(key).chain_update(message).finalize().into_bytes().into()
}

pub(crate) fn mac(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length (RFC 2104)")
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}
