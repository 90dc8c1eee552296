//! Why a request was not believed, in AWS's words.

use clock::Timestamp;

/// How far a client's clock may be off (AWS general reference, "Signature Version 4").
pub(crate) const SKEW_MINUTES: u64 = 15;

/// A request whose sender could not be established. `Display` is AWS's message for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Neither an `Authorization` header nor a presigned query.
    #[error("Request is missing Authentication Token")]
    Missing,
    /// The `Authorization` header, or a header it depends on, is not complete or not readable.
    #[error("{0}")]
    Malformed(String),
    /// The presigned query is not complete or not readable.
    #[error("{0}")]
    MalformedQuery(String),
    /// Signed with something other than `AWS4-HMAC-SHA256`.
    #[error("Unsupported AWS 'algorithm': '{0}'")]
    UnsupportedAlgorithm(String),
    /// Nobody has this access key.
    #[error("The security token included in the request is invalid.")]
    UnknownAccessKey {
        /// The access key that was used.
        access_key: String,
    },
    /// The session token is missing, was not issued here, or belongs to another access key.
    #[error("The security token included in the request is invalid.")]
    InvalidToken,
    /// The session is over.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// The signature is not the one that this request and the key's secret make.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
         Access Key and signing method. Consult the service documentation for details."
    )]
    SignatureMismatch(Box<Mismatch>),
    /// Signed too long ago.
    #[error("{}", expired_text(*.signed, *.now))]
    SignatureExpired {
        /// When it was signed, according to the client.
        signed: Timestamp,
        /// When it arrived.
        now: Timestamp,
    },
    /// Signed in the future.
    #[error("{}", not_yet_current_text(*.signed, *.now))]
    SignatureNotYetCurrent {
        /// When it was signed, according to the client.
        signed: Timestamp,
        /// When it arrived.
        now: Timestamp,
    },
    /// A presigned request that came after its time.
    #[error("Request has expired")]
    PresignedExpired {
        /// When it ceased to be valid.
        expired: Timestamp,
        /// When it arrived.
        now: Timestamp,
    },
    /// `x-amz-content-sha256` is not the hash of the body.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    ContentMismatch {
        /// As the client said.
        provided: String,
        /// As the body says.
        computed: String,
    },
    /// S3 demands that every `x-amz-*` header is signed.
    #[error("There were headers present in the request which were not signed")]
    HeadersNotSigned(Vec<String>),
    /// The body is signed in chunks (`aws-chunked`), which is not supported yet.
    #[error("A chunked upload signature ({0}) is not supported yet; send the payload's SHA-256 instead")]
    StreamingPayload(String),
    /// The access keys could not be read.
    #[error("The access key could not be looked up")]
    Lookup(String),
}

/// What S3 tells about a wrong signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The access key that was used.
    pub access_key: String,
    /// The string that should have been signed.
    pub string_to_sign: String,
    /// The canonical request whose hash it contains.
    pub canonical_request: String,
    /// The signature that came.
    pub signature_provided: String,
}

fn expired_text(signed: Timestamp, now: Timestamp) -> String {
    let earliest = now - std::time::Duration::from_secs(SKEW_MINUTES * 60);
    let (signed, earliest, now) = (signed.sigv4(), earliest.sigv4(), now.sigv4());
    format!("Signature expired: {signed} is now earlier than {earliest} ({now} - {SKEW_MINUTES} min.)")
}

fn not_yet_current_text(signed: Timestamp, now: Timestamp) -> String {
    let latest = now + std::time::Duration::from_secs(SKEW_MINUTES * 60);
    let (signed, latest, now) = (signed.sigv4(), latest.sigv4(), now.sigv4());
    format!("Signature not yet current: {signed} is still later than {latest} ({now} + {SKEW_MINUTES} min.)")
}
