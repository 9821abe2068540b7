//! How fast the sweep goes: at once where it may, and with rests where many beat meanwhile.

use lastbeat_proto::Span;

use crate::clock::Mono;

/// From so many heartbeats a second on the sweep rests. With whoever sends them they take about a
/// processor: that somebody fell is seen some tenths of a second later then, and nobody who is well
/// waits for it.
const BUSY_PER_SECOND: i128 = 20_000;
/// How long heartbeats are counted until they tell how many they are. A storm of some tenths of a
/// second is judged by those of before: while it lasts, fewer are heard than are sent.
const WINDOW: Span = Span::from_micros(20_000);
/// The rest behind each hold, some five times as long as that.
const REST: Span = Span::from_micros(1_000);

/// Holds between which the worker does nothing else, where few beat: each time that it does, it
/// comes back some 0.5 ms later. Other workers have the lock in between.
const HOLDS_OF_A_TURN: u32 = 4;

/// What the sweep has seen of those who beat.
#[derive(Debug, Default)]
pub struct Pace {
    since: Mono,
    heartbeats: u64,
    is_busy: bool,
    holds: u32,
}

/// What is done behind a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The next one.
    Hold,
    /// Whatever else is ready.
    Others,
    /// Nothing for so long.
    Rest(Span),
}

impl Pace {
    /// So many were heard by now.
    pub(super) fn count(&mut self, now: Mono, heartbeats: u64) {
        let us = now.micros_since(self.since);
        if WINDOW <= Span::from_signed_micros(us) {
            let heard = i128::from(heartbeats.saturating_sub(self.heartbeats));
            self.is_busy = BUSY_PER_SECOND * i128::from(us) <= heard * 1_000_000;
            (self.since, self.heartbeats) = (now, heartbeats);
        }
    }

    /// What is done behind a hold.
    pub(super) fn next(&mut self) -> Next {
        self.holds = self.holds.wrapping_add(1);
        if self.is_busy {
            Next::Rest(REST)
        } else if self.holds.is_multiple_of(HOLDS_OF_A_TURN) {
            Next::Others
        } else {
            Next::Hold
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_while_many_beat_and_not_longer() {
        let mut pace = Pace::default();
        let mut is_resting = |us, heartbeats| {
            pace.count(Mono::from_micros(us), heartbeats);
            pace.next() == Next::Rest(REST)
        };

        assert!(!is_resting(1_000_000, 500));
        assert!(!is_resting(1_019_999, 5_000), "too soon to tell");
        assert!(!is_resting(1_020_000, 899));
        assert!(is_resting(1_040_000, 1_299));
        assert!(is_resting(1_041_000, 1_299), "until it is told anew");
        assert!(!is_resting(1_060_000, 1_698));
    }

    #[test]
    fn others_have_their_turn_behind_a_few_holds() {
        let mut pace = Pace::default();

        let turns: Vec<Next> = (0..8).map(|_| pace.next()).collect();
        let turn = [Next::Hold, Next::Hold, Next::Hold, Next::Others];
        assert_eq!(turns, [turn, turn].concat());
    }
}
