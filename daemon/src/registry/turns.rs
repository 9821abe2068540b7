//! Whose turn it is behind a hold of the sweep (ADR 0019, with what was measured).

use lastbeat_proto::Span;

use crate::clock::Mono;

/// From so many heartbeats a second on the sweep rests. With whoever sends them they take about a
/// processor: that somebody fell is seen some tenths of a second later then, and nobody who is well
/// waits for it.
const BUSY_PER_SECOND: i128 = 20_000;
/// How long heartbeats are counted until they tell how many they are.
const WINDOW: Span = Span::from_micros(20_000);
/// The rest behind each hold, some four times as long as that.
const REST: Span = Span::from_micros(1_000);
/// Holds between which the worker does nothing else, where few beat: each time that it does, it
/// comes back some 0.5 ms later.
const HOLDS_OF_A_TURN: u32 = 4;

/// What the sweep knows of those who beat meanwhile.
#[derive(Debug, Default)]
pub(super) struct Turns {
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

impl Turns {
    /// A sweep begins, and so many were heard by now: those since the last one say whether it is
    /// busy.
    pub(super) fn begin(&mut self, now: Mono, heartbeats: u64) {
        if let Some(is_busy) = self.count(now, heartbeats) {
            self.is_busy = is_busy;
        }
    }

    /// What is done behind a hold. In a storm fewer are heard than are sent: few that are heard say
    /// nothing, and many do.
    pub(super) fn next(&mut self, now: Mono, heartbeats: u64) -> Next {
        self.is_busy |= self.count(now, heartbeats).unwrap_or(false);
        self.holds = self.holds.wrapping_add(1);
        if self.is_busy {
            Next::Rest(REST)
        } else if self.holds.is_multiple_of(HOLDS_OF_A_TURN) {
            Next::Others
        } else {
            Next::Hold
        }
    }

    /// Whether many were heard since the last count; nothing when it is too soon to tell.
    fn count(&mut self, now: Mono, heartbeats: u64) -> Option<bool> {
        let us = now.micros_since(self.since);
        if Span::from_signed_micros(us) < WINDOW {
            return None;
        }
        let heard = i128::from(heartbeats.saturating_sub(self.heartbeats));
        (self.since, self.heartbeats) = (now, heartbeats);
        Some(BUSY_PER_SECOND * i128::from(us) <= heard * 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: i64) -> Mono {
        Mono::from_micros(us)
    }

    #[test]
    fn a_sweep_rests_where_many_were_heard_before_it_however_few_are_heard_in_it() {
        let mut turns = Turns::default();
        turns.begin(at(1_000_000), 500);
        turns.begin(at(1_020_000), 900);

        assert_eq!(turns.next(at(1_020_000), 900), Next::Rest(REST));
        assert_eq!(turns.next(at(1_050_000), 901), Next::Rest(REST));
        turns.begin(at(1_060_000), 902);
        assert_eq!(
            turns.next(at(1_060_000), 902),
            Next::Rest(REST),
            "too soon to tell"
        );
        turns.begin(at(1_070_000), 1_300);
        assert_ne!(
            turns.next(at(1_070_000), 1_300),
            Next::Rest(REST),
            "one is missing"
        );
    }

    #[test]
    fn a_sweep_rests_from_when_many_are_heard_in_it() {
        let mut turns = Turns::default();
        turns.begin(at(1_000_000), 0);

        assert_ne!(
            turns.next(at(1_019_999), 5_000),
            Next::Rest(REST),
            "too soon to tell"
        );
        assert_eq!(turns.next(at(1_020_000), 5_000), Next::Rest(REST));
    }

    #[test]
    fn others_have_their_turn_behind_a_few_holds() {
        let mut turns = Turns::default();

        let done: Vec<Next> = (0..8).map(|_| turns.next(at(0), 0)).collect();
        let turn = [Next::Hold, Next::Hold, Next::Hold, Next::Others];
        assert_eq!(done, [turn, turn].concat());
    }
}
