//! How the last day of an instance went, a letter for each half hour, as the daemon tells it.

use lastbeat_proto::Timestamp;
use lastbeat_proto::answer::{Seen, Uptime, UptimeWindow};

/// Columns that are kept for what two letters mean.
pub(super) const KEY_COLUMNS: usize = 26;
/// The strip's length.
const DAY_US: i64 = 86_400_000_000;
/// What is seen of a slot in which there was more than one: DOWN is what one looks for.
const LETTERS: [(Seen, char, &str); 4] = [
    (Seen::Down, 'v', "DOWN"),
    (Seen::Unknown, '?', "unknown"),
    (Seen::Up, '=', "UP"),
    (Seen::Absent, '.', "not registered"),
];

/// What the letters of a strip mean.
pub(super) fn key(strip: &str) -> String {
    let used = LETTERS.iter().filter(|letter| strip.contains(letter.1));
    let meant: Vec<String> = used
        .map(|(_, letter, what)| format!("{letter} {what}"))
        .collect();
    format!("({})", meant.join(", "))
}

/// The windows that tell something: those that reach further back than what is known say the same
/// again. Two digits of a percentage, and never a hundred where there was a moment of DOWN.
pub(super) fn telling(windows: &[UptimeWindow]) -> Vec<UptimeWindow> {
    let known = |window: &UptimeWindow| (window.up_s, window.down_s, window.unknown_s);
    let mut told: Vec<UptimeWindow> = Vec::new();
    for window in windows {
        if told.last().is_none_or(|last| known(last) != known(window)) {
            let up_percent = window.up_percent.map(|p| (p * 100.0).floor() / 100.0);
            told.push(UptimeWindow {
                up_percent,
                ..*window
            });
        }
    }
    told
}

/// The last day in `columns` letters, oldest first. What was true when `uptime` was told counts up
/// to `end`: it is told anew at each event.
pub(super) fn strip(uptime: &Uptime, end: Timestamp, columns: usize) -> String {
    let slot_us = DAY_US / i64::try_from(columns.max(1)).unwrap_or(1);
    let letter = |slot: usize| {
        let left = i64::try_from(columns - slot).unwrap_or(0);
        let begin = end.plus_micros(-slot_us * left);
        let pieces = uptime.day.iter().enumerate();
        let within: Vec<Seen> = pieces
            .filter(|(index, piece)| {
                let is_last = index + 1 == uptime.day.len();
                piece.from < begin.plus_micros(slot_us) && (is_last || begin < piece.until)
            })
            .map(|(_, piece)| piece.seen)
            .collect();
        let found = LETTERS.iter().find(|(seen, ..)| within.contains(seen));
        found.map_or('?', |(_, letter, _)| *letter)
    };
    (0..columns).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{ago, uptime};

    fn shown(uptime: &Uptime, end_s: i64) -> String {
        strip(uptime, ago(-end_s), 24)
    }

    #[test]
    fn a_slot_shows_the_worst_that_was_in_it() {
        // Registered 20 h ago, not watched from 12 to 10 h ago, DOWN for two minutes 5 h ago.
        assert_eq!(shown(&uptime(), 0), "....========??=====v====");
    }

    #[test]
    fn what_is_true_goes_on_until_an_event_tells_otherwise() {
        assert_eq!(shown(&uptime(), 7_200), "..========??=====v======");
    }

    #[test]
    fn of_nothing_nothing_is_known() {
        let nothing = Uptime {
            windows: Vec::new(),
            day: Vec::new(),
        };

        assert_eq!(shown(&nothing, 0), "????????????????????????");
    }

    #[test]
    fn the_key_names_every_letter_that_stands_there_and_no_other() {
        assert_eq!(key("..=="), "(= UP, . not registered)");
        assert_eq!(key("v?=."), "(v DOWN, ? unknown, = UP, . not registered)");
    }

    #[test]
    fn a_window_that_knows_no_more_than_a_shorter_one_is_left_out() {
        let day = uptime().windows[0];
        let week = UptimeWindow {
            hours: 168,
            absent_s: lastbeat_proto::Span::from_secs(532_800),
            ..day
        };
        let month = UptimeWindow {
            hours: 720,
            up_s: lastbeat_proto::Span::from_secs(64_681),
            up_percent: Some(99.999),
            ..week
        };

        let told = telling(&[day, week, month]);

        let hours: Vec<_> = told.iter().map(|w| (w.hours, w.up_percent)).collect();
        assert_eq!(hours, [(24, Some(99.81)), (720, Some(99.99))]);
    }
}
