//! What notifications are signed with.

use serde::{Deserialize, Serialize};
use store::Table;

/// One row, without key parts.
pub(crate) static SIGNING_KEY: Table<SigningKeyRecord> = Table::new("sns-signing-key");

/// Made once.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SigningKeyRecord {
    /// PKCS#8.
    pub(crate) private_key_pem: String,
    /// X.509, signed with the key itself.
    pub(crate) certificate_pem: String,
}
