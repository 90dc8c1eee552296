//! Which part of the results an answer holds.

use api_cloudwatch::{GetMetricDataInput, MetricDataResult, ScanBy, StatusCode};
use wire::Error;

use crate::errors::{token_invalid, validation};

/// API reference, `GetMetricData`: the default and the most.
const DATAPOINTS_MAX: i32 = 100_800;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

/// A page of data points: those of all results stand one after the other.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) order: Order,
    /// Points that earlier pages had.
    skip: usize,
    take: usize,
}

impl Page {
    pub(super) fn of(input: &GetMetricDataInput) -> Result<Self, Error> {
        let max = input.max_datapoints.unwrap_or(DATAPOINTS_MAX);
        if !(1..=DATAPOINTS_MAX).contains(&max) {
            let text = format!("The parameter MaxDatapoints must be between 1 and {DATAPOINTS_MAX}.");
            return Err(validation(text));
        }
        let skip = match &input.next_token {
            None => 0,
            Some(token) => read_token(token).ok_or_else(token_invalid)?,
        };
        let order = match &input.scan_by {
            Some(ScanBy::TimestampAscending) => Order::Ascending,
            _ => Order::Descending,
        };
        Ok(Self { order, skip, take: usize::try_from(max).unwrap_or(usize::MAX) })
    }

    /// Leaves of the results what this page holds; and leads to the next one, if there is more. A result of which
    /// another page holds more is partial; one that earlier pages had all of is left out.
    pub(super) fn cut(&self, results: Vec<MetricDataResult>) -> (Vec<MetricDataResult>, Option<String>) {
        let (mut skip, mut take) = (self.skip, self.take);
        let mut more = false;
        let mut shown = Vec::new();
        for mut result in results {
            let (Some(times), Some(values)) = (&mut result.timestamps, &mut result.values) else { continue };
            let count = values.len();
            if self.skip > 0 && count <= skip {
                skip -= count;
                continue;
            }
            let end = count.min(skip.saturating_add(take));
            if end < count {
                more = true;
                result.status_code = Some(StatusCode::PartialData);
            }
            *times = times[skip..end].to_vec();
            *values = values[skip..end].to_vec();
            take -= end - skip;
            skip = 0;
            shown.push(result);
        }
        (shown, more.then(|| token(self.skip.saturating_add(self.take))))
    }
}

fn token(skip: usize) -> String {
    format!("p-{skip:x}")
}

fn read_token(token: &str) -> Option<usize> {
    usize::from_str_radix(token.strip_prefix("p-")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use clock::Timestamp;

    use super::*;

    fn result(id: &str, values: &[f64]) -> MetricDataResult {
        MetricDataResult {
            id: Some(id.to_owned()),
            timestamps: Some(vec![Timestamp::UNIX_EPOCH; values.len()]),
            values: Some(values.to_vec()),
            status_code: Some(StatusCode::Complete),
            ..MetricDataResult::default()
        }
    }

    #[test]
    fn pages_together_hold_everything_once() {
        let results = || vec![result("a", &[1.0, 2.0, 3.0]), result("b", &[]), result("c", &[4.0, 5.0])];
        for take in 1..7 {
            let mut page = Page { order: Order::Ascending, skip: 0, take };
            let mut values = Vec::new();
            loop {
                let (shown, next) = page.cut(results());
                let held: Vec<f64> =
                    shown.into_iter().flat_map(|result| result.values.unwrap_or_default()).collect();
                assert!(held.len() <= take);
                values.extend(held);
                let Some(next) = next else { break };
                page.skip = read_token(&next).expect("is a token");
            }
            assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0], "by {take}");
        }
    }
}
