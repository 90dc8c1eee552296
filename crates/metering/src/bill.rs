//! A month's bill.

use ids::AccountId;
use serde::Serialize;

use crate::Money;
use crate::prices::{self, Architecture, FREE_GB_SECONDS, FREE_REQUESTS, MB_MS_PER_GB_SECOND};
use crate::tables::usage::{Totals, UsageKey};

/// What AWS would charge an account for a month.
#[derive(Debug, Clone, Serialize)]
pub struct Bill {
    /// Whose bill it is.
    pub account: AccountId,
    /// Such as `2026-11`.
    pub month: String,
    /// The currency of all amounts.
    pub currency: &'static str,
    /// Requests, and how many of them are free.
    pub requests: Allowance<u64>,
    /// GB-seconds, and how many of them are free.
    pub gb_seconds: Allowance<String>,
    /// What all of it would cost without the free tier.
    pub before_free_tier: Money,
    /// What is to be paid.
    pub due: Money,
    /// By function, version and architecture, at prices before the free tier.
    pub lines: Vec<Line>,
    /// What the amounts leave out.
    pub note: &'static str,
}

/// How much of a free allowance is used.
#[derive(Debug, Clone, Serialize)]
pub struct Allowance<T> {
    /// All that was used.
    pub used: T,
    /// What is free each month.
    pub free: u64,
    /// What of it is left.
    pub free_left: T,
}

/// What one version consumed.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// The function's name.
    pub function: String,
    /// `$LATEST` or a number.
    pub version: String,
    /// Where.
    pub region: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Whether it ran on provisioned concurrency.
    pub provisioned: bool,
    /// How often.
    pub requests: u64,
    /// How long, times how large.
    pub gb_seconds: String,
    /// At prices before the free tier.
    pub cost: Money,
}

impl Bill {
    pub(crate) fn of(account: &AccountId, month: String, usage: &[(UsageKey, Totals)]) -> Self {
        // The free tier is for functions without provisioned concurrency; compute of both architectures shares it.
        let sum = |architecture: Architecture| -> u64 {
            let ours =
                |key: &UsageKey| !key.provisioned && Architecture::of(&key.architecture) == architecture;
            usage.iter().filter(|(key, _)| ours(key)).map(|(_, totals)| totals.mb_ms).sum()
        };
        let (x86, arm) = (sum(Architecture::X86_64), sum(Architecture::Arm64));
        let on_demand_requests: u64 =
            usage.iter().filter(|(key, _)| !key.provisioned).map(|(_, totals)| totals.requests).sum();
        let free_mb_ms = FREE_GB_SECONDS * MB_MS_PER_GB_SECOND;
        let free_x86 = x86.min(free_mb_ms);
        let free_arm = arm.min(free_mb_ms - free_x86);

        let compute = |free_x86: u64, free_arm: u64| {
            prices::on_demand(Architecture::X86_64, free_x86, x86 - free_x86)
                + prices::on_demand(Architecture::Arm64, free_arm, arm - free_arm)
        };
        let extras: Money = usage.iter().map(|(key, totals)| extras(key, totals)).sum();
        let chargeable = on_demand_requests.saturating_sub(FREE_REQUESTS);
        Self {
            account: account.clone(),
            month,
            currency: "USD",
            requests: Allowance {
                used: usage.iter().map(|(_, totals)| totals.requests).sum(),
                free: FREE_REQUESTS,
                free_left: FREE_REQUESTS.saturating_sub(on_demand_requests),
            },
            gb_seconds: Allowance {
                used: gb_seconds(usage.iter().map(|(_, totals)| totals.mb_ms).sum()),
                free: FREE_GB_SECONDS,
                free_left: gb_seconds(free_mb_ms - free_x86 - free_arm),
            },
            before_free_tier: compute(0, 0) + prices::requests(on_demand_requests) + extras,
            due: compute(free_x86, free_arm) + prices::requests(chargeable) + extras,
            lines: usage.iter().map(|(key, totals)| Line::of(key, totals)).collect(),
            note: "The standing charge of provisioned concurrency is not included.",
        }
    }
}

/// What has no free tier: provisioned concurrency with its requests, and `/tmp` beyond 512 MB.
fn extras(key: &UsageKey, totals: &Totals) -> Money {
    let storage = prices::ephemeral_storage(totals.tmp_mb_ms);
    if key.provisioned {
        let compute = prices::provisioned(Architecture::of(&key.architecture), totals.mb_ms);
        storage + compute + prices::requests(totals.requests)
    } else {
        storage
    }
}

impl Line {
    fn of(key: &UsageKey, totals: &Totals) -> Self {
        let architecture = Architecture::of(&key.architecture);
        let on_demand = if key.provisioned {
            Money::ZERO
        } else {
            prices::on_demand(architecture, 0, totals.mb_ms) + prices::requests(totals.requests)
        };
        Self {
            function: key.function.clone(),
            version: key.version.clone(),
            region: key.region.to_string(),
            architecture: key.architecture.clone(),
            provisioned: key.provisioned,
            requests: totals.requests,
            gb_seconds: gb_seconds(totals.mb_ms),
            cost: on_demand + extras(key, totals),
        }
    }
}

/// GB-seconds with up to six digits.
fn gb_seconds(mb_ms: u64) -> String {
    let unit = u128::from(MB_MS_PER_GB_SECOND);
    let micros = (u128::from(mb_ms) * 1_000_000 + unit / 2) / unit;
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use ids::Region;

    use super::*;

    fn bill(rows: &[(&str, bool, u64, u64)]) -> Bill {
        let account = AccountId::parse("000000000000").expect("parses");
        let usage: Vec<(UsageKey, Totals)> = rows
            .iter()
            .map(|(architecture, provisioned, requests, gb_seconds)| {
                let key = UsageKey {
                    account: account.clone(),
                    month: "2026-11".to_owned(),
                    region: Region::parse("us-east-1").expect("parses"),
                    function: "f".to_owned(),
                    version: "1".to_owned(),
                    architecture: (*architecture).to_owned(),
                    provisioned: *provisioned,
                };
                let mb_ms = gb_seconds * MB_MS_PER_GB_SECOND;
                (key, Totals { requests: *requests, mb_ms, tmp_mb_ms: 0 })
            })
            .collect();
        Bill::of(&account, "2026-11".to_owned(), &usage)
    }

    #[test]
    fn the_free_tier_is_free_to_the_last_unit() {
        let free = bill(&[("x86_64", false, 1_000_000, 400_000)]);
        assert_eq!(
            (free.due, free.requests.free_left, free.gb_seconds.free_left.as_str()),
            (Money::ZERO, 0, "0")
        );
        let beyond = bill(&[("x86_64", false, 1_000_001, 400_001)]);
        assert_eq!(beyond.due.to_string(), "$0.0000168667");
    }

    #[test]
    fn the_example_of_awss_price_page_adds_up() {
        // 3 million requests of 120 ms at 1,536 MB: 540,000 GB-s, of which 140,000 are charged.
        let example = bill(&[("x86_64", false, 3_000_000, 540_000)]);
        assert_eq!(example.due.to_string(), "$2.733338");
    }

    #[test]
    fn both_architectures_share_the_free_tier() {
        let shared = bill(&[("x86_64", false, 0, 300_000), ("arm64", false, 0, 200_000)]);
        // 100,000 GB-s of arm are beyond it.
        assert_eq!(shared.due.to_string(), "$1.33334");
    }

    #[test]
    fn provisioned_concurrency_has_no_free_tier() {
        let provisioned = bill(&[("x86_64", true, 1, 1)]);
        assert_eq!(provisioned.due.to_string(), "$0.0000099222");
        assert_eq!(provisioned.requests.free_left, 1_000_000);
    }
}
