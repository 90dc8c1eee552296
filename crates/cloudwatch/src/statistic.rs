//! The statistics that can be asked for ("CloudWatch statistics definitions", Amazon CloudWatch user guide).

use crate::summary::Summary;

/// A statistic of the values of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    /// `p99`: the greatest of the values that are left without the highest 1 %.
    Percentile(f64),
    /// `tm90`, `TM(10%:90%)`, `TM(150:1000)`; `IQM` is `TM(25%:75%)`.
    TrimmedMean(Bounds),
    /// `tc90` and so on.
    TrimmedCount(Bounds),
    /// `ts90` and so on.
    TrimmedSum(Bounds),
    /// `wm90` and so on: what is out of bounds counts as the bound.
    WinsorizedMean(Bounds),
    /// `PR(100:2000)`: how many percent of the values lie within.
    PercentileRank(f64, f64),
}

/// Which values count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bounds {
    /// Those between two percentiles.
    Percent(f64, f64),
    /// Those above the first and not above the second.
    Values(f64, f64),
}

impl Statistic {
    /// Understands what CloudWatch calls it; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "SampleCount" => return Some(Self::SampleCount),
            "Average" => return Some(Self::Average),
            "Sum" => return Some(Self::Sum),
            "Minimum" => return Some(Self::Minimum),
            "Maximum" => return Some(Self::Maximum),
            "IQM" | "iqm" => return Some(Self::TrimmedMean(Bounds::Percent(25.0, 75.0))),
            _ => {}
        }
        if let Some(percent) = text.strip_prefix('p') {
            return percentage(percent).map(Self::Percentile);
        }
        let (name, rest) = text.split_at_checked(2)?;
        let bounds = match rest.strip_prefix('(') {
            Some(range) => bounds(range.strip_suffix(')')?)?,
            None => Bounds::Percent(0.0, percentage(rest)?),
        };
        match (name, bounds) {
            ("tm" | "TM", bounds) => Some(Self::TrimmedMean(bounds)),
            ("tc" | "TC", bounds) => Some(Self::TrimmedCount(bounds)),
            ("ts" | "TS", bounds) => Some(Self::TrimmedSum(bounds)),
            ("wm" | "WM", bounds) => Some(Self::WinsorizedMean(bounds)),
            ("pr" | "PR", Bounds::Values(above, to)) => Some(Self::PercentileRank(above, to)),
            _ => None,
        }
    }

    /// Whether it needs more than count, sum and extremes.
    pub(crate) fn needs_distribution(self) -> bool {
        !matches!(self, Self::SampleCount | Self::Average | Self::Sum | Self::Minimum | Self::Maximum)
    }

    /// What it is of these values; `None` where that is not known, or there are no values.
    pub(crate) fn of(self, summary: &Summary) -> Option<f64> {
        if summary.is_empty() {
            return None;
        }
        match self {
            Self::SampleCount => Some(summary.count),
            Self::Average => Some(summary.sum / summary.count),
            Self::Sum => Some(summary.sum),
            Self::Minimum => Some(summary.minimum),
            Self::Maximum => Some(summary.maximum),
            Self::Percentile(percent) => percentile(&summary.distribution()?, percent),
            Self::TrimmedMean(bounds) => {
                let (count, sum) = trimmed(summary, bounds)?;
                (count > 0.0).then(|| sum / count)
            }
            Self::TrimmedCount(bounds) => Some(trimmed(summary, bounds)?.0),
            Self::TrimmedSum(bounds) => Some(trimmed(summary, bounds)?.1),
            Self::WinsorizedMean(bounds) => winsorized_mean(summary, bounds),
            Self::PercentileRank(above, to) => {
                Some(trimmed(summary, Bounds::Values(above, to))?.0 / summary.count * 100.0)
            }
        }
    }
}

/// A number from 0 to 100 in plain digits.
fn percentage(text: &str) -> Option<f64> {
    number(text).filter(|percent| *percent <= 100.0)
}

fn number(text: &str) -> Option<f64> {
    let plain = text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { text.parse().ok() } else { None }
}

/// `10%:90%`, `:90%`, `150:1000`, `150:`; at least one side must be there.
fn bounds(range: &str) -> Option<Bounds> {
    let (low, high) = range.split_once(':')?;
    let percent = [low, high].iter().all(|side| side.is_empty() || side.ends_with('%'));
    if low.is_empty() && high.is_empty() {
        return None;
    }
    let side = |text: &str, open: f64| match text {
        "" => Some(open),
        text if percent => percentage(text.strip_suffix('%')?),
        text => number(text),
    };
    let (open_low, open_high) = if percent { (0.0, 100.0) } else { (f64::NEG_INFINITY, f64::INFINITY) };
    let (low, high) = (side(low, open_low)?, side(high, open_high)?);
    if low >= high {
        return None;
    }
    Some(if percent { Bounds::Percent(low, high) } else { Bounds::Values(low, high) })
}

fn total(distribution: &[(f64, f64)]) -> f64 {
    distribution.iter().map(|(_, count)| count).sum()
}

/// The value below or at which `percent` of all lie.
fn percentile(distribution: &[(f64, f64)], percent: f64) -> Option<f64> {
    let rank = total(distribution) * percent / 100.0;
    let mut below = 0.0;
    for (value, count) in distribution {
        below += count;
        // Counts may be fractions, which do not add up to the last bit.
        if below >= rank * (1.0 - f64::EPSILON * 16.0) {
            return Some(*value);
        }
    }
    distribution.last().map(|(value, _)| *value)
}

/// How many values lie within the bounds, and their sum.
fn trimmed(summary: &Summary, bounds: Bounds) -> Option<(f64, f64)> {
    let distribution = summary.distribution()?;
    let within: Vec<(f64, f64)> = match bounds {
        Bounds::Values(above, to) => {
            // A bound is rounded as the values are: one that is exactly the bound must be on its right side.
            let (above, to) = (summary.rounded(above), summary.rounded(to));
            let inside = |value: f64| summary.rounded(value) > above && summary.rounded(value) <= to;
            distribution.into_iter().filter(|(value, _)| inside(*value)).collect()
        }
        Bounds::Percent(low, high) => {
            let all = total(&distribution);
            let (from, to) = (all * low / 100.0, all * high / 100.0);
            let mut below = 0.0;
            let mut part = |(value, count): (f64, f64)| {
                let share = ((below + count).min(to) - f64::max(below, from)).max(0.0);
                below += count;
                (value, share)
            };
            distribution.into_iter().map(&mut part).collect()
        }
    };
    Some((total(&within), within.iter().map(|(value, count)| value * count).sum()))
}

fn winsorized_mean(summary: &Summary, bounds: Bounds) -> Option<f64> {
    let distribution = summary.distribution()?;
    let (low, high) = match bounds {
        Bounds::Percent(low, high) => (percentile(&distribution, low)?, percentile(&distribution, high)?),
        Bounds::Values(low, high) => (low, high),
    };
    let sum: f64 = distribution.iter().map(|(value, count)| value.max(low).min(high) * count).sum();
    Some(sum / total(&distribution))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole numbers from 1 to 100.
    fn hundred() -> Summary {
        let mut summary = Summary::default();
        for value in 1..=100 {
            summary.add(f64::from(value), 1.0);
        }
        summary
    }

    #[track_caller]
    fn check(statistic: &str, expected: f64) {
        let found = Statistic::parse(statistic).expect("is a statistic").of(&hundred()).expect("is known");
        assert!((found - expected).abs() < 1e-9, "{statistic} is {found}, not {expected}");
    }

    #[test]
    fn statistics_of_the_first_hundred_numbers() {
        check("SampleCount", 100.0);
        check("Average", 50.5);
        check("Sum", 5_050.0);
        check("Minimum", 1.0);
        check("Maximum", 100.0);
        check("p0", 1.0);
        check("p50", 50.0);
        check("p99", 99.0);
        check("p99.5", 100.0);
        check("p100", 100.0);
        check("tm90", 45.5);
        check("TM(10%:90%)", 50.5);
        check("TM(:95%)", 48.0);
        check("TM(80%:)", 90.5);
        check("TM(10:20)", 15.5);
        check("IQM", 50.5);
        check("tc90", 90.0);
        check("TC(10:20)", 10.0);
        check("TC(:0.5)", 0.0);
        check("ts90", 4_095.0);
        check("TS(80%:)", 1_810.0);
        check("TS(98:)", 199.0);
        check("wm98", 50.47);
        check("WM(10%:90%)", 50.4);
        check("WM(20:80)", 50.3);
        check("PR(:30)", 30.0);
        check("PR(10:20)", 10.0);
        check("PR(90:)", 10.0);
    }

    #[test]
    fn what_is_no_statistic_is_refused() {
        for text in [
            "",
            "p",
            "p101",
            "p-1",
            "p1e1",
            "pNaN",
            "p+5",
            "sum",
            "tm",
            "tm101",
            "TM()",
            "TM(:)",
            "TM(5%:50)",
            "TM(50%:5%)",
            "PR(1%:2%)",
            "pr90",
            "TM(1:2",
            "xx90",
            "é",
            "IQR",
        ] {
            assert_eq!(Statistic::parse(text), None, "{text}");
        }
    }

    #[test]
    fn of_a_set_of_statistics_there_are_no_percentiles() {
        let set = Summary::of_set(10.0, 55.0, 1.0, 10.0);
        assert_eq!(Statistic::Average.of(&set), Some(5.5));
        assert_eq!(Statistic::Percentile(50.0).of(&set), None);
        assert_eq!(Statistic::TrimmedMean(Bounds::Values(f64::NEG_INFINITY, 0.5)).of(&hundred()), None);
    }
}
