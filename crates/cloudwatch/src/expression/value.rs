//! What expressions are made of and evaluate to.

use std::collections::BTreeMap;

use crate::reader::Window;

/// The result of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A number; not a number where there is none, such as the average of nothing.
    Scalar(f64),
    /// A time series.
    Series(Figures),
    /// An array of time series.
    Array(Vec<Figures>),
}

/// A time series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figures {
    pub(crate) label: String,
    /// What was asked for.
    pub(crate) window: Window,
    /// By the start of the period, in seconds since the epoch.
    pub(crate) points: BTreeMap<i64, f64>,
}

impl Figures {
    /// The same series with other values; what is not a number is left out.
    pub(crate) fn map(&self, value: impl Fn(f64) -> f64) -> Self {
        self.collect(self.points.iter().map(|(at, old)| (*at, value(*old))))
    }

    /// Values of both, where at least one has one. "Missing values in a time series are treated as 0."
    pub(crate) fn zip(&self, other: &Self, value: impl Fn(f64, f64) -> f64) -> Self {
        let times = self.points.keys().chain(other.points.keys());
        self.collect(times.map(|at| (*at, value(self.at(*at), other.at(*at)))))
    }

    /// This series with these points instead; what is not a number is left out.
    pub(crate) fn collect(&self, points: impl Iterator<Item = (i64, f64)>) -> Self {
        Self {
            label: self.label.clone(),
            window: self.window,
            points: points.filter(|(_, value)| value.is_finite()).collect(),
        }
    }

    fn at(&self, time_s: i64) -> f64 {
        self.points.get(&time_s).copied().unwrap_or(0.0)
    }
}

impl Value {
    /// How many points there are.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Scalar(_) => 0,
            Self::Series(series) => series.points.len(),
            Self::Array(array) => array.iter().map(|series| series.points.len()).sum(),
        }
    }

    pub(crate) fn map(self, value: impl Fn(f64) -> f64) -> Self {
        match self {
            Self::Scalar(number) => Self::Scalar(value(number)),
            Self::Series(series) => Self::Series(series.map(value)),
            Self::Array(array) => Self::Array(array.iter().map(|series| series.map(&value)).collect()),
        }
    }

    /// Combines any two values but two arrays.
    pub(crate) fn zip(self, other: Self, value: impl Fn(f64, f64) -> f64) -> Result<Self, String> {
        Ok(match (self, other) {
            (Self::Scalar(left), right) => right.map(|right| value(left, right)),
            (left, Self::Scalar(right)) => left.map(|left| value(left, right)),
            (Self::Series(left), Self::Series(right)) => Self::Series(left.zip(&right, value)),
            (Self::Array(left), Self::Series(right)) => {
                Self::Array(left.iter().map(|left| left.zip(&right, &value)).collect())
            }
            (Self::Series(left), Self::Array(right)) => {
                let flipped = |right: &Figures| right.zip(&left, |right, left| value(left, right));
                Self::Array(right.iter().map(flipped).collect())
            }
            (Self::Array(_), Self::Array(_)) => {
                return Err("Operators do not combine two arrays of time series.".to_owned());
            }
        })
    }
}
