//! Temporary credentials that need no store: the token carries the session, and a server secret proves it.
//!
//! The access key and the signing secret are derived from the token's content with the same secret, so that
//! issuing one writes nothing and any node that has the secret can check it. A session cannot be revoked before
//! its time; `iam` may still refuse a role that no longer exists.

use std::fmt::{self, Debug};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clock::Timestamp;
use hmac::Mac;
use ids::{AccountId, IdSource};
use targets::Credentials;

use crate::signature::{hmac, mac};

/// The alphabet of AWS's access keys (RFC 4648 base 32).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What a token's content begins with: tells its form apart from later ones.
const FORM: u8 = 1;

const MAC_BYTES: usize = 32;
const ACCOUNT_BYTES: usize = 12;

/// Who holds temporary credentials, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The account of the role.
    pub account: AccountId,
    /// Such as `arn:aws:sts::000000000000:assumed-role/ROLE/SESSION`.
    pub principal_arn: String,
    /// Such as `AROA…:SESSION`.
    pub principal_id: String,
    /// When it ends, in real time: the client's SDK compares it with its own clock.
    pub expires: Timestamp,
}

/// Credentials that are not (or no longer) those of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The token was not issued here, or not with this access key.
    #[error("the token is not valid")]
    Invalid,
    /// The session has ended.
    #[error("the session has ended")]
    Expired,
}

/// Issues temporary credentials and recognizes them.
#[derive(Clone)]
pub struct SessionKeys {
    secret: [u8; 32],
}

impl Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secret stays out of logs.
        f.debug_struct("SessionKeys").finish_non_exhaustive()
    }
}

impl SessionKeys {
    /// Keys derived from `secret`: 256 random bits that never leave the server.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    /// Keys whose secret is the file at `path`, which is made (readable by its owner only) if there is none.
    ///
    /// # Errors
    /// When the file cannot be read or written, or does not hold a secret.
    pub fn open(path: &Path, ids: &IdSource) -> io::Result<Self> {
        match fs::read(path) {
            Ok(bytes) => {
                let secret = bytes.try_into().map_err(|_| {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("{}: not a 32-byte secret", path.display()),
                    )
                })?;
                Ok(Self::new(secret))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut secret = [0; 32];
                ids.fill(&mut secret);
                write_secret(path, &secret)?;
                Ok(Self::new(secret))
            }
            Err(error) => Err(error),
        }
    }

    /// Fresh credentials for `session`. Two of the same session differ.
    #[must_use]
    pub fn issue(&self, session: &Session, ids: &IdSource) -> Credentials {
        let content = encode(session, ids.bits());
        let token = [self.token_mac(&content).finalize().into_bytes().as_slice(), &content].concat();
        Credentials {
            access_key_id: self.access_key(&content),
            secret_access_key: self.signing_secret(&content),
            session_token: STANDARD.encode(token),
            expires: session.expires,
        }
    }

    /// The session that `access_key` and `token` belong to, and its signing secret.
    ///
    /// # Errors
    /// [`SessionError`] when they were not issued together by this server, or the session has ended by `now`.
    pub fn resolve(
        &self,
        access_key: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<(Session, String), SessionError> {
        let (session, secret) = self.recognize(access_key, token).ok_or(SessionError::Invalid)?;
        if session.expires <= now { Err(SessionError::Expired) } else { Ok((session, secret)) }
    }

    /// As [`SessionKeys::resolve`], for a session that may have ended.
    pub(crate) fn recognize(&self, access_key: &str, token: &str) -> Option<(Session, String)> {
        let token = STANDARD.decode(token).ok()?;
        let (mac, content) = token.split_at_checked(MAC_BYTES)?;
        self.token_mac(content).verify_slice(mac).ok()?;
        if self.access_key(content) != access_key {
            return None;
        }
        Some((decode(content)?, self.signing_secret(content)))
    }

    fn token_mac(&self, content: &[u8]) -> crate::signature::HmacSha256 {
        mac(&hmac(&self.secret, b"session token")).chain_update(content)
    }

    /// `ASIA` and 16 letters, as AWS's temporary keys.
    fn access_key(&self, content: &[u8]) -> String {
        let derived = hmac(&hmac(&self.secret, b"access key"), content);
        let letters = derived[..16].iter().map(|byte| char::from(BASE32[usize::from(byte & 31)]));
        "ASIA".chars().chain(letters).collect()
    }

    /// 40 characters, as AWS's secrets.
    fn signing_secret(&self, content: &[u8]) -> String {
        STANDARD.encode(&hmac(&hmac(&self.secret, b"signing secret"), content)[..30])
    }
}

/// Form, nonce, expiry, account, length of the id, id, ARN.
fn encode(session: &Session, nonce: u64) -> Vec<u8> {
    let id_length = u32::try_from(session.principal_id.len()).unwrap_or(u32::MAX);
    let mut content = vec![FORM];
    content.extend_from_slice(&nonce.to_be_bytes());
    content.extend_from_slice(&session.expires.as_micros().to_be_bytes());
    content.extend_from_slice(session.account.as_str().as_bytes());
    content.extend_from_slice(&id_length.to_be_bytes());
    content.extend_from_slice(session.principal_id.as_bytes());
    content.extend_from_slice(session.principal_arn.as_bytes());
    content
}

fn decode(content: &[u8]) -> Option<Session> {
    let (form, rest) = content.split_first()?;
    let (_nonce, rest) = rest.split_first_chunk::<8>()?;
    let (expires, rest) = rest.split_first_chunk::<8>()?;
    let (account, rest) = rest.split_first_chunk::<ACCOUNT_BYTES>()?;
    let (id_length, rest) = rest.split_first_chunk::<4>()?;
    let (id, arn) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*id_length)).ok()?)?;
    if *form != FORM {
        return None;
    }
    Some(Session {
        account: AccountId::parse(std::str::from_utf8(account).ok()?).ok()?,
        principal_arn: String::from_utf8(arn.to_vec()).ok()?,
        principal_id: String::from_utf8(id.to_vec()).ok()?,
        expires: Timestamp::from_micros(i64::from_be_bytes(*expires)),
    })
}

/// Writes beside and renames, so that a crash leaves either no secret or a whole one.
fn write_secret(path: &Path, secret: &[u8; 32]) -> io::Result<()> {
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(secret)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn session() -> Session {
        Session {
            account: AccountId::parse("444455556666").unwrap(),
            principal_arn: "arn:aws:sts::444455556666:assumed-role/r/s".to_owned(),
            principal_id: "AROAEXAMPLE:s".to_owned(),
            expires: Timestamp::from_millis(1_000),
        }
    }

    #[test]
    fn credentials_look_like_aws_and_resolve_to_their_session() {
        let keys = SessionKeys::new([1; 32]);
        let issued = keys.issue(&session(), &IdSource::seeded(1));
        assert_eq!((issued.access_key_id.len(), issued.secret_access_key.len()), (20, 40));
        let resolved = keys.resolve(&issued.access_key_id, &issued.session_token, Timestamp::UNIX_EPOCH);
        assert_eq!(resolved, Ok((session(), issued.secret_access_key)));
        let resolved = keys.resolve(&issued.access_key_id, &issued.session_token, session().expires);
        assert_eq!(resolved, Err(SessionError::Expired));
    }

    #[test]
    fn a_token_with_any_bit_changed_is_refused() {
        let keys = SessionKeys::new([1; 32]);
        let issued = keys.issue(&session(), &IdSource::seeded(1));
        let token = STANDARD.decode(&issued.session_token).unwrap();
        for index in 0..token.len() {
            let mut changed = token.clone();
            changed[index] ^= 1;
            let changed = STANDARD.encode(changed);
            let resolved = keys.resolve(&issued.access_key_id, &changed, Timestamp::UNIX_EPOCH);
            assert_eq!(resolved, Err(SessionError::Invalid), "byte {index}");
        }
        for short in 0..token.len() {
            let short = STANDARD.encode(&token[..short]);
            assert_eq!(keys.recognize(&issued.access_key_id, &short), None);
        }
        let other = SessionKeys::new([2; 32]);
        assert_eq!(other.recognize(&issued.access_key_id, &issued.session_token), None);
    }

    #[test]
    fn the_secret_survives_a_restart_and_is_readable_by_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("session.key");
        let ids = IdSource::seeded(1);
        let issued = SessionKeys::open(&path, &ids).unwrap().issue(&session(), &ids);
        let reopened = SessionKeys::open(&path, &ids).unwrap();
        assert!(reopened.recognize(&issued.access_key_id, &issued.session_token).is_some());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, b"short").unwrap();
        assert_eq!(SessionKeys::open(&path, &ids).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
