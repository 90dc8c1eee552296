//! How finely values are kept, and for how long ("Metrics retention", Amazon CloudWatch user guide).

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;

/// Values of one resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tier {
    /// The length of a period in seconds.
    pub(crate) resolution_s: i64,
    /// Older periods are put together into the next tier's, or deleted.
    pub(crate) kept_s: i64,
}

/// From the finest to the coarsest.
pub(crate) const TIERS: [Tier; 4] = [
    Tier { resolution_s: 1, kept_s: 3 * HOUR_S },
    Tier { resolution_s: MINUTE_S, kept_s: 15 * DAY_S },
    Tier { resolution_s: 5 * MINUTE_S, kept_s: 63 * DAY_S },
    Tier { resolution_s: HOUR_S, kept_s: KEPT_S },
];

/// How long anything is kept at all: 15 months.
pub(crate) const KEPT_S: i64 = 455 * DAY_S;

/// Of what length, in seconds, a period must be a multiple to show values of this age; `None`: they are gone.
pub(crate) fn coarsest_s(age_s: i64) -> Option<i64> {
    TIERS.iter().find(|tier| age_s <= tier.kept_s).map(|tier| tier.resolution_s)
}

/// The start of the period of this length that `second` lies in.
pub(crate) const fn floor(second: i64, length_s: i64) -> i64 {
    second.div_euclid(length_s) * length_s
}

/// Whether CloudWatch knows periods of this length: 1, 5, 10, 20, 30 or a multiple of 60 seconds.
pub(crate) const fn is_period(length_s: i64) -> bool {
    matches!(length_s, 1 | 5 | 10 | 20 | 30) || (length_s > 0 && length_s % MINUTE_S == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_the_coarser() {
        let day = |days: i64| coarsest_s(days * DAY_S);
        assert_eq!((coarsest_s(-7_200), coarsest_s(3 * HOUR_S)), (Some(1), Some(1)));
        assert_eq!((coarsest_s(3 * HOUR_S + 1), day(15)), (Some(60), Some(60)));
        assert_eq!(
            (day(16), day(63), day(64), day(455), day(456)),
            (Some(300), Some(300), Some(3_600), Some(3_600), None)
        );
    }

    #[test]
    fn periods() {
        assert!([1, 5, 10, 20, 30, 60, 300, 86_400].into_iter().all(is_period));
        assert!(![0, -60, 2, 7, 45, 61, 90].into_iter().any(is_period));
        assert_eq!((floor(-1, 60), floor(59, 60), floor(60, 60)), (-60, 0, 60));
    }
}
