//! Values by metric, resolution, time and unit.

use store::{Bytes, KeyPart, StoreError, Table};

use crate::metric::{SeriesId, find_unit};
use crate::summary::Summary;

pub(crate) const POINTS: Table<Summary> = Table::new("cloudwatch.points");

/// Where the values of a period are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PointKey {
    pub(crate) series: SeriesId,
    /// The length of the period in seconds: that of one of [`crate::resolution::TIERS`].
    pub(crate) resolution_s: i64,
    /// When it begins, in seconds since the epoch.
    pub(crate) start_s: i64,
    pub(crate) unit: &'static str,
}

impl PointKey {
    pub(crate) fn parts(&self) -> [KeyPart<'_>; 4] {
        [self.series.0[..].into(), self.resolution_s.into(), self.start_s.into(), self.unit.into()]
    }

    pub(crate) fn of(key: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged("a point's key names no series or unit".to_owned());
        let mut reader = POINTS.read_key(key)?;
        Ok(Self {
            series: SeriesId(reader.bytes()?.try_into().map_err(|_| damaged())?),
            resolution_s: reader.i64()?,
            start_s: reader.i64()?,
            unit: find_unit(&reader.str()?).ok_or_else(damaged)?,
        })
    }
}

/// Where the points of a series at a resolution begin that are not before `start_s`.
pub(crate) fn series_from(series: &SeriesId, resolution_s: i64, start_s: i64) -> Bytes {
    POINTS.key(&[series.0[..].into(), resolution_s.into(), start_s.into()])
}
