//! Times and places as people write and read them.

use clock::Timestamp;

use crate::failure::Failure;

/// `90s`, `2m`, `1h30m`, `7d`; a bare number is seconds.
pub(crate) fn seconds(text: &str) -> Result<u64, Failure> {
    let invalid = || Failure::new(format!("{text:?} is no duration"), "write 90s, 2m, 1h30m or 7d");
    if text.is_empty() {
        return Err(invalid());
    }
    let (mut total, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| invalid())?;
        let unit = match behind.as_bytes().first() {
            None | Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3_600,
            Some(b'd') => 86_400,
            Some(_) => return Err(invalid()),
        };
        total = number.checked_mul(unit).and_then(|more| total.checked_add(more)).ok_or_else(invalid)?;
        rest = behind.get(1..).unwrap_or_default();
    }
    Ok(total)
}

/// A time in UTC: `2026-12-01T08:30:00Z`, and the same without the zone, the seconds, or the hour.
pub(crate) fn time(text: &str) -> Result<Timestamp, Failure> {
    let parse = |ending: &str| Timestamp::parse_iso8601(&format!("{text}{ending}")).ok();
    ["", "Z", ":00Z", "T00:00:00Z"].into_iter().find_map(parse).ok_or_else(|| {
        Failure::new(format!("{text:?} is no time"), "write 2026-12-01T08:30:00Z or 2026-12-01 (in UTC)")
    })
}

/// `+0.012s`, `+3m00.012s`, `+1h02m03.000s`, `+1d01h02m03.000s`.
pub(crate) fn after(first: Timestamp, then: Timestamp) -> String {
    let ms = then.saturating_since(first).as_millis();
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    let (days, hours, minutes, seconds) =
        (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("+{seconds}.{ms:03}s"),
        (0, 0, _) => format!("+{minutes}m{seconds:02}.{ms:03}s"),
        (0, _, _) => format!("+{hours}h{minutes:02}m{seconds:02}.{ms:03}s"),
        _ => format!("+{days}d{hours:02}h{minutes:02}m{seconds:02}.{ms:03}s"),
    }
}

/// An ARN without what all of them have in common: `lambda:NAME`, `sqs:NAME`.
pub(crate) fn place(arn: &str) -> String {
    match arn.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", _, service, _, _, name] => {
            format!("{service}:{}", name.strip_prefix("function:").unwrap_or(name))
        }
        _ => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units() {
        assert_eq!(seconds("2m").ok(), Some(120));
        assert_eq!(seconds("90").ok(), Some(90));
        assert_eq!(seconds("7d").ok(), Some(604_800));
        assert_eq!(seconds("1h30m5s").ok(), Some(5_405));
        for text in ["", "m", "1y", "-1s", "1h m", "99999999999999999999d", "9999999999999999999d", "1é"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_in_utc_unless_they_say_otherwise() {
        let at = |text: &str| time(text).ok().map(Timestamp::iso8601_seconds);
        for text in
            ["2026-12-01T08:30:00Z", "2026-12-01T08:30:00", "2026-12-01T08:30", "2026-12-01T09:30:00+01:00"]
        {
            assert_eq!(at(text).as_deref(), Some("2026-12-01T08:30:00Z"), "{text}");
        }
        assert_eq!(at("2026-12-01").as_deref(), Some("2026-12-01T00:00:00Z"));
        assert_eq!(at("tomorrow"), None);
    }

    #[test]
    fn what_lies_between_is_told_in_the_largest_units() {
        let after_ms = |ms: i64| after(Timestamp::from_millis(5), Timestamp::from_millis(5 + ms));
        assert_eq!(after_ms(0), "+0.000s");
        assert_eq!(after_ms(180_012), "+3m00.012s");
        assert_eq!(after_ms(3_723_000), "+1h02m03.000s");
        assert_eq!(after_ms(90_123_000), "+1d01h02m03.000s");
    }

    #[test]
    fn places_are_short() {
        assert_eq!(place("arn:aws:lambda:us-east-1:000000000000:function:f:1"), "lambda:f:1");
        assert_eq!(place("arn:aws:sqs:us-east-1:000000000000:lambda-dlq"), "sqs:lambda-dlq");
        assert_eq!(place("https://example.com/hook"), "https://example.com/hook");
    }
}
