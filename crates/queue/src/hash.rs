//! Short stand-ins for long names. They are stored, so they must never change.

use sha2::{Digest, Sha256};

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// 8 bytes: where a collision does no harm.
pub(crate) fn hash_u64(parts: &[&[u8]]) -> u64 {
    digest(parts).first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// 16 bytes: where there must be none.
pub(crate) fn hash_u128(parts: &[&[u8]]) -> [u8; 16] {
    digest(parts).first_chunk().copied().unwrap_or_default()
}

/// What a group is known by in memory, never 0. Two groups that share it wait for each other's messages; that is all.
pub(crate) fn group(id: Option<&str>) -> u64 {
    id.map_or(0, |id| hash_u64(&[id.as_bytes()]).max(1))
}

/// The deduplication id of a message without one: the SHA-256 of its body in hexadecimal digits.
pub(crate) fn of_body(body: &str) -> String {
    use std::fmt::Write;
    let digest: [u8; 32] = Sha256::digest(body.as_bytes()).into();
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_stays_what_it_is() {
        assert_eq!(group(Some("a")), 0x3b19_6fd4_907b_edf5);
        assert_eq!(of_body("a"), "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
        assert_ne!(hash_u128(&[b"a", b"bc"]), hash_u128(&[b"ab", b"c"]));
    }
}
