//! Medians and percentiles.

use std::time::Duration;

/// What a series of measurements says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) count: usize,
}

impl Summary {
    pub(crate) fn of(mut series: Vec<Duration>) -> Self {
        series.sort_unstable();
        let at = |share: usize| {
            let index = (series.len().saturating_sub(1)) * share / 100;
            series.get(index).copied().unwrap_or_default()
        };
        Self { p50: at(50), p99: at(99), count: series.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_of_the_sorted_series() {
        let series = (1..=100).rev().map(Duration::from_micros).collect();
        let summary = Summary::of(series);
        assert_eq!(summary.p50, Duration::from_micros(50));
        assert_eq!(summary.p99, Duration::from_micros(99));
    }
}
