//! Lengths of time as people write and read them: `500ms`, `60s`, `1m48s`, `3d4h`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const SECOND_US: u64 = 1_000_000;

/// Units from the largest to the smallest that is shown, with their length in microseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400 * SECOND_US),
    ("h", 3_600 * SECOND_US),
    ("m", 60 * SECOND_US),
    ("s", SECOND_US),
    ("ms", 1_000),
];

/// A length of time in whole microseconds; on the wire a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

/// A text that is not a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a length of time; write a whole number and a unit: 500ms, 60s, 10m, 24h or 7d")]
pub struct SpanError;

impl Span {
    /// From whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(SECOND_US))
    }

    /// From whole microseconds.
    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    /// From microseconds of a difference; a negative one is no time.
    pub const fn from_signed_micros(us: i64) -> Self {
        Self(if us < 0 { 0 } else { us.unsigned_abs() })
    }

    /// Whole microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole microseconds, at most `i64::MAX`.
    pub const fn as_signed_micros(self) -> i64 {
        if self.0 > i64::MAX.unsigned_abs() {
            i64::MAX
        } else {
            self.0.cast_signed()
        }
    }

    /// Seconds with their fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / SECOND_US as f64
    }

    /// A third of it: how often a client should beat so that one lost heartbeat costs nothing.
    #[must_use]
    pub const fn third(self) -> Self {
        Self(self.0 / 3)
    }

    /// The one or two largest units that matter, with the count of each: see [`fmt::Display`].
    pub fn units(self) -> impl Iterator<Item = (u64, &'static str)> {
        let mut shown = UNITS.iter().skip_while(move |(_, length)| self.0 < *length);
        let (first, rest) = match shown.next() {
            Some((unit, length)) => ((self.0 / length, *unit), self.0 % length),
            None => ((0, "s"), 0),
        };
        let second = shown
            .next()
            .filter(|(unit, length)| *length <= rest && *unit != "ms")
            .map(|(unit, length)| (rest / length, *unit));
        std::iter::once(first).chain(second)
    }

    /// Reads one whole number with its unit: `500ms`, `60s`, `10m`, `24h`, `7d`.
    ///
    /// # Errors
    /// When the number, the unit or both are missing, or the result does not fit.
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or(SpanError)?;
        let number: u64 = number.parse().map_err(|_not_a_number| SpanError)?;
        let (_, length) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or(SpanError)?;
        number.checked_mul(*length).map(Self).ok_or(SpanError)
    }

    /// From seconds as JSON gives them, rounded to the nearest microsecond; `None` for what is
    /// negative, not finite or beyond 10,000 years.
    pub fn from_secs_f64(seconds: f64) -> Option<Self> {
        const LIMIT_S: f64 = 3.2e11;
        if !(0.0..=LIMIT_S).contains(&seconds) {
            return None;
        }
        let duration = Duration::try_from_secs_f64(seconds).ok()?;
        let rounded = duration.saturating_add(Duration::from_nanos(500));
        u64::try_from(rounded.as_micros()).ok().map(Self)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_micros(span.0)
    }
}

impl fmt::Display for Span {
    /// The two largest units that matter: `48s`, `1m48s`, `3d4h`; under a second in `ms`;
    /// fractions of a second are dropped above it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut units = self.units();
        match (units.next(), units.next()) {
            (Some((count, unit)), Some((less, smaller))) => {
                pad(f, format_args!("{count}{unit}{less}{smaller}"))
            }
            (Some((count, unit)), None) => pad(f, format_args!("{count}{unit}")),
            (None, _) => Ok(()),
        }
    }
}

/// As `f.pad`, and without a text in between where nobody asked for a width.
fn pad(f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>) -> fmt::Result {
    if f.width().is_none() && f.precision().is_none() {
        f.write_fmt(text)
    } else {
        f.pad(&text.to_string())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "number", "minimum": 0, "description": "Seconds."})
    }
}

impl Serialize for Span {
    /// Whole seconds as an integer, else with a fraction.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(SECOND_US) {
            serializer.serialize_u64(self.0 / SECOND_US)
        } else {
            serializer.serialize_f64(self.as_secs_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Self::from_secs_f64(seconds)
            .ok_or_else(|| serde::de::Error::custom("is not a number of seconds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        let written = [
            ("500ms", 500_000),
            ("60s", 60_000_000),
            ("10m", 600_000_000),
            ("24h", 86_400_000_000),
            ("7d", 604_800_000_000),
        ];
        for (text, us) in written {
            assert_eq!(Span::parse(text), Ok(Span::from_micros(us)), "{text}");
        }
        for text in [
            "",
            "60",
            "s",
            "-1s",
            "1.5s",
            "60 s",
            "1h30m",
            "99999999999999999999s",
            "1w",
        ] {
            assert_eq!(Span::parse(text), Err(SpanError), "{text}");
        }
    }

    #[test]
    fn people_read_two_units_at_most() {
        let shown = [
            (0, "0s"),
            (999, "0s"),
            (250_000, "250ms"),
            (1_999_999, "1s"),
            (60_000_000, "1m"),
            (108_000_000, "1m48s"),
            (3_600_000_000, "1h"),
            (3_605_000_000, "1h"),
            (100_000_000_000, "1d3h"),
        ];
        for (us, text) in shown {
            assert_eq!(Span::from_micros(us).to_string(), text, "{us}");
        }
    }

    #[test]
    fn the_wire_has_whole_seconds_where_it_can() {
        assert_eq!(serde_json::to_string(&Span::from_secs(20)).unwrap(), "20");
        assert_eq!(
            serde_json::to_string(&Span::from_micros(666_666)).unwrap(),
            "0.666666"
        );
        assert_eq!(
            serde_json::from_str::<Span>("2.5").unwrap(),
            Span::from_micros(2_500_000)
        );
        assert!(serde_json::from_str::<Span>("-1").is_err());
    }
}
