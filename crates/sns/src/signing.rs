//! The key that notifications are signed with, and the certificate that lets anybody check that. Source: Amazon SNS
//! developer guide, "Verifying the signatures of Amazon SNS messages".
//!
//! Made at first need, once for all of the stored state.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clock::Timestamp;
use ids::IdSource;
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::{Signature, SigningKey};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::{CryptoRng, RngCore};
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use store::{CommitError, Transaction};
use tokio::sync::OnceCell;
use x509_cert::builder::{Builder, CertificateBuilder, Profile};
use x509_cert::der::EncodePem;
use x509_cert::der::asn1::UtcTime;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::{Time, Validity};

use crate::Sns;
use crate::errors::{Failure, Outcome};
use crate::subscription::hex;
use crate::tables::signing_key::{SIGNING_KEY, SigningKeyRecord};

/// What a certificate's URL has after the endpoint; the certificate's name follows.
pub const CERTIFICATE_PATH: &str = "/_lambent/sns/";

/// AWS's own.
const KEY_BITS: usize = 2_048;

/// How long a certificate is valid.
const VALID_FOR: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);

/// A signature and what is needed to check it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signed {
    /// 1: SHA-1; 2: SHA-256.
    pub(crate) version: String,
    /// In Base64.
    pub(crate) signature: String,
    pub(crate) certificate_url: String,
}

/// The key, once it is needed.
#[derive(Debug, Default)]
pub(crate) struct Signing {
    key: OnceCell<Arc<Key>>,
}

struct Key {
    sha1: SigningKey<Sha1>,
    sha256: SigningKey<Sha256>,
    certificate_pem: String,
    /// `SimpleNotificationService-HASH.pem`.
    certificate_name: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key stays out of logs.
        f.debug_struct("Key").field("certificate_name", &self.certificate_name).finish_non_exhaustive()
    }
}

impl Signing {
    /// Signs on another thread: it takes some milliseconds, and making the key some hundred of them.
    ///
    /// # Errors
    /// When the key cannot be read or made.
    pub(crate) async fn sign(&self, sns: &Sns, text: String, version: &str) -> Outcome<Signed> {
        let key = self.key(sns).await?;
        let (ids, of_sha256) = (sns.parts.ids.clone(), version == "2");
        let certificate_url = format!("{}{CERTIFICATE_PATH}{}", sns.parts.endpoint, key.certificate_name);
        let sign = move || {
            let (mut random, text) = (Random(&ids), text.as_bytes());
            let signature = if of_sha256 {
                key.sha256.try_sign_with_rng(&mut random, text)
            } else {
                key.sha1.try_sign_with_rng(&mut random, text)
            };
            signature.map(|signature| STANDARD.encode(signature.to_bytes()))
        };
        let signature = sns.parts.tasks.blocking(sign).await;
        let signature = signature.map_err(internal)?.map_err(internal)?;
        Ok(Signed { version: version.to_owned(), signature, certificate_url })
    }

    /// The certificate of this name, in PEM.
    ///
    /// # Errors
    /// When the key cannot be read or made.
    pub(crate) async fn certificate(&self, sns: &Sns, name: &str) -> Outcome<Option<String>> {
        let key = self.key(sns).await?;
        Ok((key.certificate_name == name).then(|| key.certificate_pem.clone()))
    }

    async fn key(&self, sns: &Sns) -> Outcome<Arc<Key>> {
        self.key.get_or_try_init(|| read_or_make(sns)).await.cloned()
    }
}

async fn read_or_make(sns: &Sns) -> Outcome<Arc<Key>> {
    loop {
        if let Some(row) = SIGNING_KEY.get_now(&*sns.parts.store, &[]).await? {
            let read = move || Key::read(&row.record);
            let key = sns.parts.tasks.blocking(read).await.map_err(internal)??;
            return Ok(Arc::new(key));
        }
        let (ids, now) = (sns.parts.ids.clone(), sns.parts.clock.now());
        let record = sns.parts.tasks.blocking(move || make(&ids, now)).await.map_err(internal)??;
        let mut transaction = Transaction::new();
        SIGNING_KEY.insert(&mut transaction, &[], &record)?;
        match sns.parts.store.commit(transaction).await {
            // Whatever is stored now is the key, be it this one or another's.
            Ok(_) | Err(CommitError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl Key {
    fn read(record: &SigningKeyRecord) -> Outcome<Self> {
        let key = RsaPrivateKey::from_pkcs8_pem(&record.private_key_pem).map_err(internal)?;
        let hash = hex(&Sha256::digest(&record.certificate_pem)[..16]);
        Ok(Self {
            sha1: SigningKey::new(key.clone()),
            sha256: SigningKey::new(key),
            certificate_pem: record.certificate_pem.clone(),
            certificate_name: format!("SimpleNotificationService-{hash}.pem"),
        })
    }
}

fn make(ids: &IdSource, now: Timestamp) -> Outcome<SigningKeyRecord> {
    let key = RsaPrivateKey::new(&mut Random(ids), KEY_BITS).map_err(internal)?;
    let private_key_pem = key.to_pkcs8_pem(LineEnding::LF).map_err(internal)?.to_string();
    let public_key = key.to_public_key().to_public_key_der().map_err(internal)?;
    let public_key = SubjectPublicKeyInfoOwned::try_from(public_key.as_bytes()).map_err(internal)?;
    let signer = SigningKey::<Sha256>::new(key);
    // A client's clock may be a little behind.
    let validity = Validity {
        not_before: certificate_time(now - Duration::from_secs(24 * 60 * 60))?,
        not_after: certificate_time(now + VALID_FOR)?,
    };
    let serial = SerialNumber::new(&(ids.bits() >> 1).to_be_bytes()).map_err(internal)?;
    let subject = Name::from_str("CN=sns.amazonaws.com,O=Lambent").map_err(internal)?;
    let builder = CertificateBuilder::new(Profile::Root, serial, validity, subject, public_key, &signer);
    let certificate = builder.map_err(internal)?.build::<Signature>().map_err(internal)?;
    let certificate_pem = certificate.to_pem(LineEnding::LF).map_err(internal)?;
    Ok(SigningKeyRecord { private_key_pem, certificate_pem })
}

fn certificate_time(moment: Timestamp) -> Outcome<Time> {
    let seconds = u64::try_from(moment.as_secs()).unwrap_or(0);
    // X.509 has another form for the years from 2050 on.
    if let Ok(time) = UtcTime::from_unix_duration(Duration::from_secs(seconds)) {
        return Ok(Time::UtcTime(time));
    }
    let time = x509_cert::der::asn1::GeneralizedTime::from_unix_duration(Duration::from_secs(seconds));
    time.map(Time::GeneralTime).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::Internal(format!("signing notifications: {error}"))
}

/// The source of ids, as the library draws from it.
struct Random<'a>(&'a IdSource);

impl RngCore for Random<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_be_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        self.0.bits()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Random<'_> {}
