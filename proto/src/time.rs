//! Moments of the wall clock, for showing and storing; no decision reads one.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// 0001-01-01T00:00:00 in microseconds since 1970.
const FIRST_US: i64 = -62_135_596_800_000_000;
/// 9999-12-31T23:59:59.999999 in microseconds since 1970.
const LAST_US: i64 = 253_402_300_799_999_999;

/// A day in microseconds.
const DAY_US: i64 = 86_400_000_000;

/// Length of the text form: `2026-11-24T13:58:07.812334+00:00`.
pub const TEXT_BYTES: usize = 32;

/// A moment in UTC with microsecond resolution, from year 1 to year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970-01-01T00:00:00Z; what lies outside years 1 to 9999 is moved
    /// to the nearer end.
    pub const fn from_micros(us: i64) -> Self {
        if us < FIRST_US {
            Self(FIRST_US)
        } else if LAST_US < us {
            Self(LAST_US)
        } else {
            Self(us)
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This moment moved by `us` microseconds, held inside years 1 to 9999.
    #[must_use]
    pub const fn plus_micros(self, us: i64) -> Self {
        Self::from_micros(self.0.saturating_add(us))
    }

    /// Reads any RFC 3339 text.
    ///
    /// # Errors
    /// When `text` is not RFC 3339.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        DateTime::parse_from_rfc3339(text)
            .map(|time| Self::from_micros(time.timestamp_micros()))
            .map_err(|_not_rfc3339| TimestampError)
    }

    /// The one text form: RFC 3339 in UTC, six fraction digits, `+00:00`.
    ///
    /// Old Python clients reject `Z`. Written by hand because a list of 10,000 rows holds 30,000
    /// of them and `chrono`'s formatter takes about 20 times as long.
    pub fn text(self) -> [u8; TEXT_BYTES] {
        let days = self.0.div_euclid(DAY_US);
        // Both ends were checked in `from_micros`: a date there is, and nothing is negative.
        let date = i32::try_from(days)
            .ok()
            .and_then(NaiveDate::from_epoch_days)
            .unwrap_or_default();
        let year = date.year().unsigned_abs();
        let in_day_us = self.0.rem_euclid(DAY_US).unsigned_abs();
        let us = u32::try_from(in_day_us % 1_000_000).unwrap_or(0);
        let seconds = u32::try_from(in_day_us / 1_000_000).unwrap_or(0);
        let ([y1, y2], [y3, y4]) = (two_digits(year / 100), two_digits(year % 100));
        let ([m1, m2], [d1, d2]) = (two_digits(date.month()), two_digits(date.day()));
        let [h1, h2] = two_digits(seconds / 3_600);
        let [i1, i2] = two_digits(seconds / 60 % 60);
        let [s1, s2] = two_digits(seconds % 60);
        let [f1, f2] = two_digits(us / 10_000);
        let [f3, f4] = two_digits(us / 100 % 100);
        let [f5, f6] = two_digits(us % 100);
        [
            y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2,
            b'.', f1, f2, f3, f4, f5, f6, b'+', b'0', b'0', b':', b'0', b'0',
        ]
    }
}

/// A number below 100 as two digits.
fn two_digits(value: u32) -> [u8; 2] {
    let value = u8::try_from(value).unwrap_or(0);
    [b'0' + value / 10, b'0' + value % 10]
}

/// A text that is not RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a time; write it as 2026-11-24T13:58:07.812334+00:00")]
pub struct TimestampError;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "UTC with six fraction digits: 2026-11-24T13:58:07.812334+00:00.",
        })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_text_has_six_digits_and_an_explicit_offset() {
        let whole = Timestamp::from_micros(1_732_456_687_000_000);
        assert_eq!(whole.to_string(), "2024-11-24T13:58:07.000000+00:00");
        assert_eq!(
            Timestamp::from_micros(-1).to_string(),
            "1969-12-31T23:59:59.999999+00:00"
        );
    }

    #[test]
    fn a_clock_gone_mad_stays_printable() {
        assert_eq!(
            Timestamp::from_micros(i64::MAX).to_string(),
            "9999-12-31T23:59:59.999999+00:00"
        );
        assert_eq!(
            Timestamp::from_micros(i64::MIN).to_string(),
            "0001-01-01T00:00:00.000000+00:00"
        );
    }

    #[test]
    fn any_offset_is_read_and_nonsense_is_refused() {
        let utc = Timestamp::parse("2024-11-24T13:58:07Z").unwrap();
        assert_eq!(Timestamp::parse("2024-11-24T15:58:07+02:00").unwrap(), utc);
        assert!(
            Timestamp::parse("yesterday")
                .unwrap_err()
                .to_string()
                .starts_with("is not a time")
        );
    }

    proptest! {
        #[test]
        fn text_and_value_are_the_same_thing(us in FIRST_US..=LAST_US) {
            let time = Timestamp::from_micros(us);
            prop_assert_eq!(Timestamp::parse(&time.to_string()).unwrap(), time);
        }
    }
}
