//! AWS's price list of us-east-1 (aws.amazon.com/lambda/pricing, read in November 2026).

use crate::Money;

/// A GB-second in the unit that is metered: megabytes times milliseconds.
pub(crate) const MB_MS_PER_GB_SECOND: u64 = 1_024 * 1_000;

/// Free each month, for functions without provisioned concurrency.
pub(crate) const FREE_REQUESTS: u64 = 1_000_000;
/// Free each month, x86 and arm together.
pub(crate) const FREE_GB_SECONDS: u64 = 400_000;

/// $0.20 a million.
const REQUEST_PICODOLLARS: u128 = 200_000;
/// Ephemeral storage beyond 512 MB, for a GB-second: $0.0000000309.
const TMP_GB_SECOND_PICODOLLARS: u128 = 30_900;
/// Running on provisioned concurrency, for a GB-second: $0.0000097222 (x86) and $0.0000077778 (arm).
const PROVISIONED_PICODOLLARS: [u128; 2] = [9_722_200, 7_777_800];

/// A price that holds up to an amount of GB-seconds in a month.
struct Tier {
    up_to_gb_seconds: u64,
    picodollars: u128,
}

const X86_64: [Tier; 3] = [
    Tier { up_to_gb_seconds: 6_000_000_000, picodollars: 16_666_700 },
    Tier { up_to_gb_seconds: 15_000_000_000, picodollars: 15_000_000 },
    Tier { up_to_gb_seconds: u64::MAX, picodollars: 13_333_400 },
];

const ARM64: [Tier; 3] = [
    Tier { up_to_gb_seconds: 7_500_000_000, picodollars: 13_333_400 },
    Tier { up_to_gb_seconds: 18_750_000_000, picodollars: 12_000_100 },
    Tier { up_to_gb_seconds: u64::MAX, picodollars: 10_666_700 },
];

/// What a function runs on; the prices differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    X86_64,
    Arm64,
}

impl Architecture {
    pub(crate) fn of(name: &str) -> Self {
        if name == "arm64" { Self::Arm64 } else { Self::X86_64 }
    }
}

/// Requests.
pub(crate) fn requests(count: u64) -> Money {
    Money::from_picodollars(u128::from(count) * REQUEST_PICODOLLARS)
}

/// Compute time of on-demand functions, in megabyte-milliseconds, when `before` has been used in the month.
pub(crate) fn on_demand(architecture: Architecture, before: u64, mb_ms: u64) -> Money {
    let tiers = match architecture {
        Architecture::X86_64 => &X86_64,
        Architecture::Arm64 => &ARM64,
    };
    let (mut at, mut left) = (u128::from(before), u128::from(mb_ms));
    let mut picodollars_times_unit = 0;
    for tier in tiers {
        let end = u128::from(tier.up_to_gb_seconds) * u128::from(MB_MS_PER_GB_SECOND);
        let here = left.min(end.saturating_sub(at));
        picodollars_times_unit += here * tier.picodollars;
        at += here;
        left -= here;
    }
    rounded(picodollars_times_unit)
}

/// Compute time on provisioned concurrency.
pub(crate) fn provisioned(architecture: Architecture, mb_ms: u64) -> Money {
    let price = PROVISIONED_PICODOLLARS[usize::from(architecture == Architecture::Arm64)];
    rounded(u128::from(mb_ms) * price)
}

/// Ephemeral storage beyond what is free.
pub(crate) fn ephemeral_storage(mb_ms: u64) -> Money {
    rounded(u128::from(mb_ms) * TMP_GB_SECOND_PICODOLLARS)
}

/// From picodollars times megabyte-milliseconds, to the nearest picodollar.
fn rounded(amount: u128) -> Money {
    let unit = u128::from(MB_MS_PER_GB_SECOND);
    Money::from_picodollars((amount + unit / 2) / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB_SECOND: u64 = MB_MS_PER_GB_SECOND;

    #[test]
    fn a_dollar_buys_sixty_thousand_gb_seconds() {
        assert_eq!(on_demand(Architecture::X86_64, 0, 60_000 * GB_SECOND).to_string(), "$1.000002");
        assert_eq!(on_demand(Architecture::Arm64, 0, 60_000 * GB_SECOND).to_string(), "$0.800004");
    }

    #[test]
    fn the_price_falls_beyond_each_tier() {
        let before = 6_000_000_000 * GB_SECOND;
        assert_eq!(on_demand(Architecture::X86_64, before, GB_SECOND).to_string(), "$0.000015");
        // Half of it in the first tier, half in the second.
        let across = on_demand(Architecture::X86_64, before - GB_SECOND, 2 * GB_SECOND);
        assert_eq!(across.to_string(), "$0.0000316667");
    }

    #[test]
    fn a_million_requests_cost_twenty_cents() {
        assert_eq!(requests(1_000_000).to_string(), "$0.20");
    }
}
