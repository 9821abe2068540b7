//! Why a row is as it is, in one line: the same words in the browser and in the terminal.

use crate::answer::{Row, UptimeWindow};
use crate::{Span, Status};

/// The word shown for a row's state: `UP`, `LATE` or `DOWN`.
pub const fn state_word(row: &Row) -> &'static str {
    match row.status {
        Status::Up if row.late => "LATE",
        status => status.word(),
    }
}

/// How long the instance is silent, `up_ms` being the moment of looking on the answer's scale.
pub const fn age(row: &Row, up_ms: i64) -> Span {
    between_ms(row.heard_ms, up_ms)
}

/// How long until it is DOWN (while UP) or leaves (while DOWN).
pub const fn due_in(row: &Row, up_ms: i64) -> Span {
    between_ms(up_ms, row.due_ms)
}

/// What is said of a row that flaps, whatever its status is at the moment.
pub const FLAPPING: &str = "flapping between UP and DOWN";

/// One short sentence where something is wrong or unsure, nothing for a healthy row.
pub fn note(row: &Row, up_ms: i64) -> Option<String> {
    match (row.flapping, silence(row, up_ms)) {
        (true, None) => Some(FLAPPING.to_owned()),
        (true, Some(silence)) => Some(format!("{FLAPPING}; {silence}")),
        (false, silence) => silence,
    }
}

/// What its silence means for it.
fn silence(row: &Row, up_ms: i64) -> Option<String> {
    let due = due_in(row, up_ms);
    match row.status {
        Status::Down => Some(format!(
            "no heartbeat for {}; leaves the registry in {due}",
            age(row, up_ms)
        )),
        Status::Up if row.late => Some(format!(
            "no heartbeat for {}; DOWN in {due}",
            age(row, up_ms)
        )),
        Status::Up if !row.confirmed => Some(format!(
            "not heard since the registry was away; DOWN in {due}"
        )),
        Status::Up | Status::Gone => None,
    }
}

/// The whole explanation. `when` writes a stored time as the reader wants it (zone, length).
pub fn line(row: &Row, up_ms: i64, when: impl Fn(crate::Timestamp) -> String) -> String {
    let what_next = match row.status {
        Status::Down => "leaves the registry",
        _ => "DOWN",
    };
    let flapping = if row.flapping {
        format!("; {FLAPPING}")
    } else {
        String::new()
    };
    format!(
        "{} since {}: last heartbeat {} ({} ago), ttl {}; {what_next} in {}{flapping}",
        state_word(row),
        when(row.since),
        when(row.last_heartbeat),
        age(row, up_ms),
        row.ttl_s,
        due_in(row, up_ms),
    )
}

const fn between_ms(from: i64, to: i64) -> Span {
    Span::from_signed_micros(to.saturating_sub(from).saturating_mul(1_000))
}

/// How long a window of uptime is.
pub fn window_length(window: &UptimeWindow) -> String {
    match window.hours {
        hours if hours < 48 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    }
}

/// How it was in a window, with what is not known and what does not count.
pub fn window(window: &UptimeWindow) -> String {
    let known = window.up_percent.map_or_else(
        || "nothing is known".to_owned(),
        |percent| format!("{percent} % UP"),
    );
    let parts = [
        (window.down_s, "DOWN for"),
        (window.unknown_s, "not watched for"),
        (window.absent_s, "not registered for"),
    ];
    let told = parts
        .into_iter()
        .filter(|(span, _)| Span::from_secs(1) <= *span)
        .map(|(span, what)| format!("{what} {}", coarse(span)));
    let words: Vec<String> = core::iter::once(known).chain(told).collect();
    words.join(", ")
}

/// Without the seconds where they do not matter, and would move all the time.
fn coarse(span: Span) -> Span {
    const MINUTES_FROM: Span = Span::from_secs(3_600);
    const MINUTE_US: u64 = 60_000_000;
    if span < MINUTES_FROM {
        return span;
    }
    Span::from_micros(span.as_micros() / MINUTE_US * MINUTE_US)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Timestamp;

    fn row() -> Row {
        Row {
            id: 1,
            name: "a".to_owned(),
            instance: "10.0.0.1".to_owned(),
            ip: "10.0.0.1".to_owned(),
            port: None,
            status: Status::Up,
            late: false,
            confirmed: true,
            flapping: false,
            reason: None,
            since: Timestamp::from_micros(1_732_456_685_812_334),
            last_heartbeat: Timestamp::from_micros(1_732_456_625_812_334),
            first_seen: Timestamp::from_micros(0),
            ttl_s: Span::from_secs(60),
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            heard_ms: 1_000,
            due_ms: 61_000,
        }
    }

    #[test]
    fn a_healthy_row_needs_no_words() {
        assert_eq!(note(&row(), 5_000), None);
        assert_eq!(state_word(&row()), "UP");
    }

    #[test]
    fn a_late_row_says_when_it_will_be_down() {
        let late = Row {
            late: true,
            ..row()
        };

        assert_eq!(
            note(&late, 49_000).unwrap(),
            "no heartbeat for 48s; DOWN in 12s"
        );
        assert_eq!(state_word(&late), "LATE");
    }

    #[test]
    fn an_unconfirmed_row_says_that_the_registry_was_away() {
        let row = Row {
            confirmed: false,
            ..row()
        };

        assert_eq!(
            note(&row, 1_000).unwrap(),
            "not heard since the registry was away; DOWN in 1m"
        );
    }

    #[test]
    fn a_row_that_flaps_says_so_first() {
        let up = Row {
            flapping: true,
            ..row()
        };
        let late = Row {
            late: true,
            ..up.clone()
        };

        assert_eq!(note(&up, 5_000).unwrap(), "flapping between UP and DOWN");
        assert_eq!(
            note(&late, 49_000).unwrap(),
            "flapping between UP and DOWN; no heartbeat for 48s; DOWN in 12s"
        );
    }

    #[test]
    fn a_down_row_explains_itself_in_one_line() {
        let down = Row {
            status: Status::Down,
            due_ms: 121_000,
            ..row()
        };
        let clock = |time: Timestamp| time.to_string().get(11..26).unwrap_or_default().to_owned();

        assert_eq!(
            line(&down, 109_000, clock),
            "DOWN since 13:58:05.812334: last heartbeat 13:57:05.812334 (1m48s ago), ttl 1m; \
             leaves the registry in 12s"
        );
        assert_eq!(
            note(&down, 109_000).unwrap(),
            "no heartbeat for 1m48s; leaves the registry in 12s"
        );
    }

    fn window(up: u64, down: u64, unknown: u64, up_percent: Option<f64>) -> UptimeWindow {
        UptimeWindow {
            hours: 24,
            up_s: Span::from_secs(up),
            down_s: Span::from_secs(down),
            unknown_s: Span::from_secs(unknown),
            absent_s: Span::from_secs(86_400 - up - down - unknown),
            up_percent,
        }
    }

    #[test]
    fn a_window_says_what_it_knows_and_what_it_does_not() {
        assert_eq!(
            super::window(&window(86_400, 0, 0, Some(100.0))),
            "100 % UP"
        );
        assert_eq!(
            super::window(&window(78_978, 222, 7_200, Some(99.719))),
            "99.719 % UP, DOWN for 3m42s, not watched for 2h"
        );
        assert_eq!(
            super::window(&window(0, 0, 45_296, None)),
            "nothing is known, not watched for 12h34m, not registered for 11h25m"
        );
    }
}
