//! Links under which a package can be downloaded, as `GetFunction` and `GetLayerVersion` hand them out. Source: AWS
//! Lambda API reference, `GetFunction`: "a link to download the deployment package that's valid for 10 minutes".

use std::fmt;
use std::time::Duration;

use clock::Timestamp;
use hmac::{Hmac, Mac};
use ids::IdSource;
use packages::PackageKey;
use sha2::Sha256;

const VALID_FOR: Duration = Duration::from_secs(600);

/// Where links lead on this server; the token follows.
pub const PATH: &str = "/_lambent/code/";

/// Makes links and checks them. Each server process has a secret of its own, so that a link ends with it.
pub(crate) struct CodeLinks {
    secret: [u8; 32],
}

impl fmt::Debug for CodeLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeLinks")
    }
}

impl CodeLinks {
    pub(crate) fn new(ids: &IdSource) -> Self {
        let mut secret = [0; 32];
        ids.fill(&mut secret);
        Self { secret }
    }

    /// A link to this package, at the endpoint as the caller addressed it.
    pub(crate) fn link(&self, endpoint: &str, key: &PackageKey, now: Timestamp) -> String {
        let expires = (now + VALID_FOR).as_secs();
        let signature = self.mac(key, expires).finalize().into_bytes();
        format!("{}{PATH}{key}-{expires}-{signature:x}", endpoint.trim_end_matches('/'))
    }

    /// The package that a token leads to, as long as it is valid.
    pub(crate) fn read(&self, token: &str, now: Timestamp) -> Option<PackageKey> {
        let mut parts = token.splitn(3, '-');
        let (key, expires, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let key = PackageKey::parse(key).ok()?;
        let expires: i64 = expires.parse().ok()?;
        let signature = read_hex(signature)?;
        self.mac(&key, expires).verify_slice(&signature).ok()?;
        (now.as_secs() < expires).then_some(key)
    }

    fn mac(&self, key: &PackageKey, expires: i64) -> Hmac<Sha256> {
        // HMAC takes keys of every length.
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.secret).unwrap_or_else(|_| unreachable!());
        mac.update(format!("{key} {expires}").as_bytes());
        mac
    }
}

fn read_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_its_package_until_it_expires_and_cannot_be_changed() {
        let links = CodeLinks::new(&IdSource::seeded(1));
        let key = PackageKey::parse(&"0a".repeat(32)).unwrap();
        let now = Timestamp::from_millis(1_000_000);
        let link = links.link("http://127.0.0.1:4566/", &key, now);
        let token = link.strip_prefix("http://127.0.0.1:4566/_lambent/code/").unwrap();
        assert_eq!(links.read(token, now), Some(key.clone()));
        assert_eq!(links.read(token, now + VALID_FOR), None);
        assert_eq!(links.read(&token.replacen("0a", "0b", 1), now), None);
        assert_eq!(links.read(&token.replace("-1600-", "-9999-"), now), None);
        assert_eq!(CodeLinks::new(&IdSource::seeded(2)).read(token, now), None);
        for nonsense in ["", "-", "--", "a-b-c", &format!("{key}-1-é"), &format!("{key}-1-+f")] {
            assert_eq!(links.read(nonsense, now), None);
        }
    }
}
