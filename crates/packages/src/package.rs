//! What a package is called, what is known of it, and what can be wrong with one.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Pin;

/// The SHA-256 of a package's zip, as 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageKey(Arc<str>);

/// Text that names no package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a package key (64 lower-case hexadecimal digits)")]
pub struct InvalidPackageKey(String);

impl PackageKey {
    /// The key of this zip, and its hash in the form of AWS's `CodeSha256`.
    pub(crate) fn of(zip: &[u8]) -> (Self, String) {
        let hash = Sha256::digest(zip);
        (Self(format!("{hash:x}").into()), STANDARD.encode(hash))
    }

    /// Checks and takes over `text`.
    ///
    /// # Errors
    /// [`InvalidPackageKey`].
    pub fn parse(text: &str) -> Result<Self, InvalidPackageKey> {
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidPackageKey(text.to_owned()))
        }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn first_digit(&self) -> usize {
        char::from(self.0.as_bytes()[0]).to_digit(16).unwrap_or(0) as usize
    }
}

impl fmt::Display for PackageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PackageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PackageKey {
    type Error = InvalidPackageKey;

    fn try_from(text: String) -> Result<Self, InvalidPackageKey> {
        Self::parse(&text)
    }
}

impl From<PackageKey> for String {
    fn from(key: PackageKey) -> Self {
        key.0.as_ref().to_owned()
    }
}

/// What a record that refers to a package holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Under which it is kept.
    pub key: PackageKey,
    /// The zip's SHA-256 in base64: AWS's `CodeSha256`.
    pub sha256_base64: String,
    /// Bytes of the zip: AWS's `CodeSize`.
    pub size_bytes: u64,
    /// Bytes of all files in it.
    pub unpacked_bytes: u64,
}

/// A package that was just stored.
#[derive(Debug)]
pub struct Stored {
    /// What to write into the record.
    pub package: Package,
    /// To be held until that record is committed.
    pub pin: Pin,
}

/// A package that could not be stored or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// Not a zip, or one with something in it that is not unpacked; the text says what. AWS: `Could not unzip
    /// uploaded file. Please check your file, then try to upload again.`
    #[error("could not unzip the package: {0}")]
    CannotUnzip(String),
    /// There is nothing in it. AWS: `Uploaded file must be a non-empty zip`.
    #[error("the package is empty")]
    Empty,
    /// More than [`crate::ZIPPED_BYTES_MAX`]. AWS: `Zipped size must be smaller than 52428800 bytes`.
    #[error("the package has more than {max} bytes", max = crate::ZIPPED_BYTES_MAX)]
    ZippedTooLarge,
    /// More than [`crate::UNZIPPED_BYTES_MAX`]. AWS: `Unzipped size must be smaller than 262144000 bytes`.
    #[error("the package has more than {max} bytes unpacked", max = crate::UNZIPPED_BYTES_MAX)]
    UnzippedTooLarge,
    /// There is no such package.
    #[error("there is no package {0}")]
    NotFound(PackageKey),
    /// What is kept under the key is not what was stored.
    #[error("package {0} is damaged on disk")]
    Damaged(PackageKey),
    /// The disk failed, or is full.
    #[error("the packages are unavailable: {0}")]
    Io(String),
}
