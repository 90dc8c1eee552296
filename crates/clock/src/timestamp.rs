//! A moment of platform time, and the forms in which AWS writes it.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Text that is not a timestamp in the expected form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseTimestampError(String);

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a timestamp: {:?}", self.0)
    }
}

impl std::error::Error for ParseTimestampError {}

/// The widest range that every text form can show: years -9999 to 9999.
const MICROS_MAX: i64 = 253_402_207_200_000_000;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// From microseconds since the epoch; clamped to the years -9999 to 9999.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        let clamped = if micros > MICROS_MAX {
            MICROS_MAX
        } else if micros < -MICROS_MAX {
            -MICROS_MAX
        } else {
            micros
        };
        Self(clamped)
    }

    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self::from_micros(millis.saturating_mul(1_000))
    }

    /// From (possibly fractional) seconds since the epoch.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, and from_micros clamps")]
    pub fn from_secs_f64(secs: f64) -> Self {
        Self::from_micros((secs * 1e6).round() as i64)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Seconds since the epoch with their fraction.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "microseconds of our range fit a double well enough")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `2024-01-31T08:05:09.123Z`.
    #[must_use]
    pub fn iso8601_millis(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%S.%3fZ")
    }

    /// `2024-01-31T08:05:09Z`.
    #[must_use]
    pub fn iso8601_seconds(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%SZ")
    }

    /// Lambda's own form: `2024-01-31T08:05:09.123+0000`.
    #[must_use]
    pub fn lambda(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%S.%3f+0000")
    }

    /// HTTP's form (RFC 9110): `Wed, 31 Jan 2024 08:05:09 GMT`.
    #[must_use]
    pub fn http_date(self) -> String {
        self.format("%a, %d %b %Y %H:%M:%S GMT")
    }

    /// SigV4's form: `20240131T080509Z`.
    #[must_use]
    pub fn sigv4(self) -> String {
        self.format("%Y%m%dT%H%M%SZ")
    }

    /// The calendar day as log stream names have it: `2024/01/31`.
    #[must_use]
    pub fn day_path(self) -> String {
        self.format("%Y/%m/%d")
    }

    /// The calendar month, as bills have it: `2024-01`.
    #[must_use]
    pub fn month(self) -> String {
        self.format("%Y-%m")
    }

    /// Parses `2024-01-31T08:05:09[.fraction](Z|+00:00)`.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn parse_iso8601(text: &str) -> Result<Self, ParseTimestampError> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| ParseTimestampError(text.to_owned()))?;
        Ok(Self::from_micros(parsed.as_microsecond()))
    }

    /// Parses HTTP's form.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn parse_http_date(text: &str) -> Result<Self, ParseTimestampError> {
        Self::parse_utc("%a, %d %b %Y %H:%M:%S GMT", text)
    }

    /// Parses SigV4's form.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn parse_sigv4(text: &str) -> Result<Self, ParseTimestampError> {
        Self::parse_utc("%Y%m%dT%H%M%SZ", text)
    }

    fn parse_utc(format: &str, text: &str) -> Result<Self, ParseTimestampError> {
        let error = || ParseTimestampError(text.to_owned());
        let broken_down = strtime::parse(format, text).map_err(|_| error())?;
        let civil = broken_down.to_datetime().map_err(|_| error())?;
        let zoned = civil.to_zoned(TimeZone::UTC).map_err(|_| error())?;
        Ok(Self::from_micros(zoned.timestamp().as_microsecond()))
    }

    fn format(self, format: &str) -> String {
        // The range is clamped on construction, so both steps succeed.
        let instant = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        strtime::format(format, &instant.to_zoned(TimeZone::UTC)).unwrap_or_default()
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(i64::try_from(later.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, earlier: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(i64::try_from(earlier.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso8601_millis())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso8601_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Timestamp = Timestamp::from_millis(1_706_688_309_123);

    #[test]
    fn each_form_reads_as_aws_writes_it() {
        assert_eq!(MOMENT.iso8601_millis(), "2024-01-31T08:05:09.123Z");
        assert_eq!(MOMENT.iso8601_seconds(), "2024-01-31T08:05:09Z");
        assert_eq!(MOMENT.lambda(), "2024-01-31T08:05:09.123+0000");
        assert_eq!(MOMENT.http_date(), "Wed, 31 Jan 2024 08:05:09 GMT");
        assert_eq!(MOMENT.sigv4(), "20240131T080509Z");
        assert_eq!(MOMENT.day_path(), "2024/01/31");
        assert_eq!(MOMENT.month(), "2024-01");
    }

    #[test]
    fn each_form_parses_back() {
        let whole = Timestamp::from_millis(1_706_688_309_000);
        assert_eq!(Timestamp::parse_iso8601("2024-01-31T08:05:09.123Z"), Ok(MOMENT));
        assert_eq!(Timestamp::parse_http_date(&MOMENT.http_date()), Ok(whole));
        assert_eq!(Timestamp::parse_sigv4(&MOMENT.sigv4()), Ok(whole));
        assert!(Timestamp::parse_iso8601("yesterday").is_err());
    }

    #[test]
    fn extremes_are_clamped_not_panicked_on() {
        assert_eq!(Timestamp::from_secs_f64(f64::INFINITY).as_micros(), MICROS_MAX);
        assert_eq!(Timestamp::from_secs_f64(f64::NAN), Timestamp::UNIX_EPOCH);
        assert!(!Timestamp::from_millis(i64::MAX).iso8601_millis().is_empty());
    }
}
