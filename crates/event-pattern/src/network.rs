//! Ranges of IP addresses: `cidr`.

use std::net::IpAddr;

use crate::PatternError;

/// The addresses with one prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    mask_bits: u8,
}

impl Network {
    /// Reads `10.0.0.0/24` or `2001:db8::/32`. A whole address is no network to AWS: at most 31 and 127 bits.
    pub(crate) fn parse(text: &str) -> Result<Self, PatternError> {
        let Some((address, mask)) =
            text.split_once('/').filter(|(_, mask)| !mask.is_empty() && !mask.contains('/'))
        else {
            return Err(PatternError::new("Malformed CIDR, one '/' required"));
        };
        let mask: i32 =
            mask.parse().map_err(|_| PatternError::new("Malformed CIDR, mask bits must be an integer"))?;
        let Ok(mask) = u32::try_from(mask) else {
            return Err(PatternError::new("Malformed CIDR, mask bits must not be negative"));
        };
        let address = address.parse().map_err(|_| {
            let looks_right = address.contains(['.', ':'])
                && address.chars().all(|c| c == '.' || c == ':' || c.is_ascii_hexdigit());
            PatternError::new(format!(
                "{} IP address: {address}",
                if looks_right { "Invalid" } else { "Nonstandard" }
            ))
        })?;
        let (version, bits) = match address {
            IpAddr::V4(_) => (4, 32),
            IpAddr::V6(_) => (6, 128),
        };
        match u8::try_from(mask) {
            Ok(mask_bits) if mask < bits => Ok(Self { address, mask_bits }),
            _ => Err(PatternError::new(format!("IPv{version} mask bits must be < {bits}"))),
        }
    }

    /// Whether a text is an address of this network.
    pub(crate) fn contains(&self, text: &str) -> bool {
        match (self.address, text.parse()) {
            (IpAddr::V4(network), Ok(IpAddr::V4(address))) => {
                (network.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(self.mask_bits)
            }
            (IpAddr::V6(network), Ok(IpAddr::V6(address))) => {
                (network.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(self.mask_bits)
            }
            _ => false,
        }
    }
}
