//! How a service was in the last days, as its page shows it: a strip of the last 24 hours and a
//! sentence a window.
//!
//! The strip is cut into slots, so that a quiet registry's page stays equal for minutes.

use lastbeat_proto::answer::{Seen, Uptime, UptimePiece, UptimeWindow};
use lastbeat_proto::{Timestamp, explain};

/// Finest step of the strip.
const SLOT_US: i64 = 300_000_000;
/// Slots of 24 hours: the width of the strip.
const SLOTS: i64 = 288;

/// The uptime of a service.
#[derive(Debug)]
pub(super) struct UptimeView {
    /// The strip in words.
    pub(super) text: String,
    /// What is drawn of it; where nobody was registered, nothing.
    pub(super) bars: Vec<Bar>,
    /// The strip's width.
    pub(super) width: i64,
    /// The windows.
    pub(super) windows: Vec<Window>,
}

/// A part of the strip.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bar {
    /// Color and height.
    pub(super) tone: &'static str,
    /// Its left edge.
    pub(super) x: i64,
    /// How wide it is.
    pub(super) width: i64,
}

/// One window in words.
#[derive(Debug)]
pub(super) struct Window {
    /// How long it is.
    pub(super) length: String,
    /// How it was.
    pub(super) text: String,
}

impl UptimeView {
    /// `uptime` as it is at `now`.
    pub(super) fn new(uptime: &Uptime, now: Timestamp) -> Self {
        let end = now.as_micros().div_euclid(SLOT_US) + 1;
        let downs = uptime.day.iter().filter(|piece| piece.seen == Seen::Down);
        let is_known = |piece: &UptimePiece| matches!(piece.seen, Seen::Up | Seen::Down);
        Self {
            text: match downs.count() {
                0 if !uptime.day.iter().any(is_known) => {
                    "the last 24 hours: nothing is known".to_owned()
                }
                0 => "the last 24 hours: never DOWN".to_owned(),
                1 => "the last 24 hours: DOWN once".to_owned(),
                times => format!("the last 24 hours: DOWN {times} times"),
            },
            bars: bars(&uptime.day, end),
            width: SLOTS,
            windows: uptime.windows.iter().map(Window::new).collect(),
        }
    }
}

impl Window {
    fn new(window: &UptimeWindow) -> Self {
        Self {
            length: explain::window_length(window),
            text: explain::window(window),
        }
    }
}

/// The strip up to slot `end`, oldest first. DOWN is drawn last and at least one slot wide: it is
/// what one looks for.
fn bars(day: &[UptimePiece], end: i64) -> Vec<Bar> {
    let begin = end - SLOTS;
    let slot = |time: Timestamp| time.as_micros().div_euclid(SLOT_US);
    let bar = |piece: &UptimePiece| {
        let tone = match piece.seen {
            Seen::Absent => return None,
            Seen::Up => "up",
            Seen::Down => "down",
            Seen::Unknown => "gone",
        };
        let x = (slot(piece.from) - begin).clamp(0, SLOTS - 1);
        let until = (slot(piece.until) + 1 - begin).clamp(x + 1, SLOTS);
        Some(Bar {
            tone,
            x,
            width: until - x,
        })
    };
    let mut bars: Vec<Bar> = day.iter().filter_map(bar).collect();
    bars.sort_by_key(|bar| bar.tone == "down");
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T14:00:00Z.
    const NOW: Timestamp = Timestamp::from_micros(1_795_528_800_000_000);
    const HOUR_US: i64 = 3_600_000_000;

    fn piece(seen: Seen, from_us: i64, until_us: i64) -> UptimePiece {
        UptimePiece {
            seen,
            from: NOW.plus_micros(-from_us),
            until: NOW.plus_micros(-until_us),
        }
    }

    #[test]
    fn the_strip_shows_a_short_fall_and_leaves_out_who_was_not_there() {
        let day = [
            piece(Seen::Absent, 24 * HOUR_US, 12 * HOUR_US),
            piece(Seen::Up, 12 * HOUR_US, 6 * HOUR_US),
            piece(Seen::Down, 6 * HOUR_US, 6 * HOUR_US - 1_000_000),
            piece(Seen::Up, 6 * HOUR_US - 1_000_000, 0),
        ];
        let view = UptimeView::new(
            &Uptime {
                windows: Vec::new(),
                day: day.to_vec(),
            },
            NOW,
        );

        let bar = |tone, x, width| Bar { tone, x, width };
        assert_eq!(
            view.bars,
            [bar("up", 143, 73), bar("up", 215, 73), bar("down", 215, 1)]
        );
        assert_eq!(view.text, "the last 24 hours: DOWN once");
    }

    #[test]
    fn the_strip_stays_equal_within_a_slot() {
        let at = |us: i64| {
            let day = [piece(Seen::Up, 24 * HOUR_US - us, -us)];
            let uptime = Uptime {
                windows: Vec::new(),
                day: day.to_vec(),
            };
            UptimeView::new(&uptime, NOW.plus_micros(us)).bars
        };

        assert_eq!(at(0), at(SLOT_US - 1));
        assert_eq!(at(0).len(), 1);
    }
}
