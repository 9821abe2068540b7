//! How the last day of an instance went, a letter for each half hour, as the daemon tells it.

use lastbeat_proto::Timestamp;
use lastbeat_proto::answer::{Seen, Uptime};

/// What the letters mean; a point stands where it was not registered.
pub(super) const KEY: &str = " (= UP, v DOWN, ? unknown)";
/// The strip's length.
const DAY_US: i64 = 86_400_000_000;
/// What is seen of a slot in which there was more than one: DOWN is what one looks for.
const LETTERS: [(Seen, char); 4] = [
    (Seen::Down, 'v'),
    (Seen::Unknown, '?'),
    (Seen::Up, '='),
    (Seen::Absent, '.'),
];

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
        let found = LETTERS.iter().find(|(seen, _)| within.contains(seen));
        found.map_or('?', |(_, letter)| *letter)
    };
    let strip: String = (0..columns).map(letter).collect();
    format!("{strip}{KEY}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{ago, uptime};

    fn shown(uptime: &Uptime, end_s: i64) -> String {
        strip(uptime, ago(-end_s), 24).replace(KEY, "")
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
}
