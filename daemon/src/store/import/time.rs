//! The times that the original's column can hold.

use lastbeat_proto::Timestamp;

/// Length of `2026-11-24 13:58:07`.
const SECONDS_BYTES: usize = 19;
/// Where the date ends.
const DATE_BYTES: usize = 10;

/// Reads what `SQLite` (`2026-11-24 13:58:07`), Python (`…07.812334`, `…T…+02:00`) and others
/// (`…Z`, any number of fraction digits) have written; without an offset it is UTC. `None` for
/// everything else.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let (clock, rest) = text.trim().split_at_checked(SECONDS_BYTES)?;
    let (date, time) = clock.split_at_checked(DATE_BYTES)?;
    let time = time.strip_prefix([' ', 'T', 't'])?;
    let digits = rest
        .strip_prefix(['.', ','])
        .map(|fraction| fraction.bytes().take_while(u8::is_ascii_digit).count());
    let (fraction, offset) = match digits {
        None => ("0", rest),
        Some(0) => return None,
        Some(digits) => rest.get(1..)?.split_at_checked(digits)?,
    };
    let offset = match offset.trim_start() {
        "" | "Z" | "z" => "+00:00".to_owned(),
        // `+0200` and `+02` are ISO 8601, but not RFC 3339.
        short if short.len() == 3 => format!("{short}:00"),
        short if short.len() == 5 && short.is_ascii() && !short.contains(':') => {
            let (hours, minutes) = short.split_at_checked(3)?;
            format!("{hours}:{minutes}")
        }
        full => full.to_owned(),
    };
    Timestamp::parse(&format!("{date}T{time}.{fraction}{offset}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T13:58:07 in microseconds.
    const WHOLE_US: i64 = 1_795_528_687_000_000;

    #[test]
    fn every_form_that_is_in_use_is_read() {
        let forms = [
            ("2026-11-24 13:58:07", 0),
            ("2026-11-24 13:58:07.812334", 812_334),
            ("2026-11-24T13:58:07.812334+00:00", 812_334),
            ("2026-11-24T15:58:07.812334+02:00", 812_334),
            ("2026-11-24T15:58:07+0200", 0),
            ("2026-11-24T15:58:07+02", 0),
            ("2026-11-24 08:28:07-05:30", 0),
            ("2026-11-24T13:58:07Z", 0),
            ("2026-11-24T13:58:07.5Z", 500_000),
            ("2026-11-24T13:58:07.812334999z", 812_334),
            ("2026-11-24T13:58:07.812", 812_000),
            ("2026-11-24 13:58:07,812", 812_000),
            (" 2026-11-24 13:58:07.812334 UTC", -1),
            (" 2026-11-24 13:58:07 ", 0),
            ("2026-11-24T13:58:07.8123349991234Z", 812_334),
        ];
        for (text, us) in forms {
            let expected = (0 <= us).then_some(Timestamp::from_micros(WHOLE_US + us));
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "1732456687",
            "2026-11-24",
            "2026-11-24 13:58",
            "2026-13-24 13:58:07",
            "2026-11-24 25:58:07",
            "2026-11-24 13:58:07.",
            "2026-11-24 13:58:07.5x",
            "2026-11-24 13:58:07+99:99",
            "2026-11-24x13:58:07",
            "ä026-11-24 13:58:07",
            "2026-11-24 13:58:0ä",
            "2026-11-24 13:58:07+0ä0",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
