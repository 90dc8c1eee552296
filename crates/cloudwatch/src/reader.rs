//! Reads the values of a metric by period.

use std::collections::BTreeMap;

use clock::Timestamp;
use store::{Snapshot, TableError};

use crate::metric::SeriesId;
use crate::resolution::{TIERS, coarsest_s, floor};
use crate::summary::Summary;
use crate::tables::{POINTS, PointKey, series_from};

/// Rows that are read at once.
const PAGE: usize = 1_000;

/// Which values are asked for, and how they are put together. In seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// The first period begins here.
    pub(crate) start_s: i64,
    /// Values of then and later are left out.
    pub(crate) end_s: i64,
    pub(crate) period_s: i64,
    pub(crate) now_s: i64,
}

/// The values of a unit, by the start of the period.
pub(crate) type Periods = BTreeMap<i64, Summary>;

impl Window {
    /// `start` is rounded down as the API reference says for `GetMetricStatistics`: to the minute, or to 5 minutes
    /// or an hour where only those are left; to the period where that is shorter.
    pub(crate) fn new(start: Timestamp, end: Timestamp, period_s: i64, now: Timestamp) -> Self {
        let (start_s, now_s) = (start.as_secs(), now.as_secs());
        let step_s = match coarsest_s(now_s.saturating_sub(start_s)) {
            _ if period_s < 60 => period_s,
            Some(resolution_s) => resolution_s.max(60),
            None => TIERS[TIERS.len() - 1].resolution_s,
        };
        let end_s = end.as_secs() + i64::from(end.as_micros().rem_euclid(1_000_000) > 0);
        Self { start_s: floor(start_s, step_s), end_s, period_s, now_s }
    }

    /// Whether what happens now could be in it.
    pub(crate) fn covers_now(&self) -> bool {
        self.end_s > floor(self.now_s, 60) && self.start_s <= self.now_s
    }

    fn period_of(&self, second: i64) -> i64 {
        self.start_s + floor(second - self.start_s, self.period_s)
    }

    /// Values from when on are still kept at this resolution or a coarser one.
    fn first_s(&self) -> i64 {
        self.start_s.max(self.now_s.saturating_sub(crate::resolution::KEPT_S))
    }
}

/// The values of a metric, by unit. `with_distribution`: whether percentiles will be asked for.
pub(crate) async fn read(
    snapshot: &dyn Snapshot,
    series: &SeriesId,
    window: &Window,
    with_distribution: bool,
) -> Result<BTreeMap<&'static str, Periods>, TableError> {
    let mut units: BTreeMap<&'static str, Periods> = BTreeMap::new();
    for tier in TIERS {
        if window.period_s % tier.resolution_s != 0 || window.first_s() >= window.end_s {
            continue;
        }
        let mut from = series_from(series, tier.resolution_s, window.first_s());
        let to = series_from(series, tier.resolution_s, window.end_s);
        loop {
            let rows = POINTS.scan(snapshot, &from, &to, PAGE, false).await?;
            let full = rows.len() == PAGE;
            if let Some(last) = rows.last() {
                from = [&last.key[..], &[0]].concat().into();
            }
            for mut row in rows {
                let key = PointKey::of(&row.key)?;
                // What has not been put together yet does not show more than what has.
                let coarsest_s = coarsest_s(window.now_s.saturating_sub(key.start_s));
                if coarsest_s.is_none_or(|coarsest_s| window.period_s % coarsest_s != 0) {
                    continue;
                }
                if !with_distribution {
                    row.record.lose_distribution();
                }
                let period = window.period_of(key.start_s);
                units.entry(key.unit).or_default().entry(period).or_default().merge(&row.record);
            }
            if !full {
                break;
            }
        }
    }
    Ok(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_iso8601(text).expect("parses")
    }

    #[track_caller]
    fn check_start(start: &str, period_s: i64, expected: &str) {
        let now = at("2024-03-01T12:00:00Z");
        let window = Window::new(at(start), now, period_s, now);
        assert_eq!(window.start_s, at(expected).as_secs());
    }

    #[test]
    fn starts_are_rounded_down_by_age() {
        check_start("2024-03-01T11:32:34Z", 60, "2024-03-01T11:32:00Z");
        check_start("2024-03-01T11:32:34Z", 3_600, "2024-03-01T11:32:00Z");
        check_start("2024-02-01T11:32:34Z", 300, "2024-02-01T11:30:00Z");
        check_start("2023-10-01T11:32:34Z", 3_600, "2023-10-01T11:00:00Z");
        check_start("2020-10-01T11:32:34Z", 3_600, "2020-10-01T11:00:00Z");
        check_start("2024-03-01T11:32:34.5Z", 10, "2024-03-01T11:32:30Z");
        check_start("2024-03-01T11:32:34.5Z", 1, "2024-03-01T11:32:34Z");
    }

    #[test]
    fn the_end_is_left_out() {
        let now = at("2024-03-01T12:00:30Z");
        let window = |start, end| Window::new(at(start), at(end), 60, now);
        assert!(window("2024-03-01T11:00:00Z", "2024-03-01T12:00:00.1Z").covers_now());
        assert!(!window("2024-03-01T11:00:00Z", "2024-03-01T12:00:00Z").covers_now());
        assert!(!window("2024-03-01T12:02:00Z", "2024-03-01T12:09:00Z").covers_now());
    }
}
