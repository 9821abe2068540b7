//! The conversation with the daemon: when it was last heard, what went wrong, when to ask again.

use lastbeat_proto::answer::Row;
use lastbeat_proto::{Span, Timestamp};

use crate::clock::Mono;

/// First pause after a failure, in ms.
const FIRST_PAUSE_MS: i64 = 500;
/// Longest pause after failures, in ms.
const LONGEST_PAUSE_MS: i64 = 15_000;

/// What kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// No answer.
    Unreachable,
    /// An answer that asks who we are.
    Unauthorized,
    /// Somebody who cannot show that this is the daemon.
    Untrusted,
    /// An answer, but not one of lastbeatd.
    NotOurs,
    /// lastbeatd's own refusal.
    Refused,
}

/// What went wrong, as it came: not yet safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// The cause in words.
    pub text: String,
}

/// Where the daemon's clocks stood when its last answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reading {
    up_ms: i64,
    wall: Timestamp,
    at: Mono,
}

/// How it stands, for the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// No answer yet.
    Connecting,
    /// The last question was answered.
    Live,
    /// It was not; what is shown is the last known.
    Stale,
    /// Asked not to ask.
    Paused,
}

/// The conversation.
#[derive(Debug)]
pub struct Link {
    interval: Span,
    last: Option<Reading>,
    /// What went wrong with the last question.
    pub fault: Option<Fault>,
    failures: u32,
    next_ask: Mono,
    /// Whether a question is under way.
    pub is_asking: bool,
    /// Whether the user said pause.
    pub is_paused: bool,
    /// Where the delta reader stands; empty before the first answer.
    pub cursor: String,
    /// Number of the last recorded event.
    pub revision: u64,
    dice: u64,
}

impl Link {
    /// Before anything was asked; the first question is due at once.
    pub fn new(interval: Span, now: Mono) -> Self {
        Self {
            interval,
            last: None,
            fault: None,
            failures: 0,
            next_ask: now,
            is_asking: false,
            is_paused: false,
            cursor: String::new(),
            revision: 0,
            // Clients that were started at different moments spread their retries.
            dice: now.as_ms().unsigned_abs() | 1,
        }
    }

    /// How it stands.
    pub const fn state(&self) -> LinkState {
        match (self.last.is_some(), self.fault.is_some()) {
            (false, _) => LinkState::Connecting,
            (true, true) => LinkState::Stale,
            (true, false) if self.is_paused => LinkState::Paused,
            (true, false) => LinkState::Live,
        }
    }

    /// How often the daemon is asked.
    pub const fn interval(&self) -> Span {
        self.interval
    }

    /// Whether there was an answer at all.
    pub const fn has_answer(&self) -> bool {
        self.last.is_some()
    }

    /// The daemon's `up_ms` now: what it said and the time since, whatever wall clocks do.
    pub fn up_ms(&self, now: Mono) -> i64 {
        self.last
            .map_or(0, |last| last.up_ms.saturating_add(now.ms_since(last.at)))
    }

    /// The daemon's wall clock when it last answered.
    pub fn last_wall(&self) -> Option<Timestamp> {
        self.last.map(|last| last.wall)
    }

    /// The daemon's wall clock now, as far as its last answer tells.
    pub fn wall(&self, now: Mono) -> Option<Timestamp> {
        let last = self.last?;
        Some(
            last.wall
                .plus_micros(now.ms_since(last.at).saturating_mul(1_000)),
        )
    }

    /// How long ago the daemon last answered.
    pub fn silent_for(&self, now: Mono) -> Span {
        Span::from_signed_micros(
            self.last
                .map_or(0, |last| now.ms_since(last.at))
                .saturating_mul(1_000),
        )
    }

    /// How long until the next question.
    pub fn retry_in(&self, now: Mono) -> Span {
        Span::from_signed_micros(self.next_ask.ms_since(now).saturating_mul(1_000))
    }

    /// How long `row` is silent.
    pub fn age(&self, row: &Row, now: Mono) -> Span {
        lastbeat_proto::explain::age(row, self.up_ms(now))
    }

    /// When the next question is due; `None` while one is under way or pause is on.
    pub const fn due(&self) -> Option<Mono> {
        if self.is_asking || self.is_paused {
            None
        } else {
            Some(self.next_ask)
        }
    }

    /// Makes the next question due now, even in a pause.
    pub const fn ask_at(&mut self, now: Mono) {
        self.next_ask = now;
    }

    /// An answer came.
    pub fn heard(&mut self, up_ms: i64, wall: Timestamp, now: Mono) {
        self.last = Some(Reading {
            up_ms,
            wall,
            at: now,
        });
        self.fault = None;
        self.failures = 0;
        self.is_asking = false;
        self.next_ask = now.plus_ms(self.interval.as_signed_micros() / 1_000);
    }

    /// No answer came: it is asked again after a pause that grows.
    pub fn failed(&mut self, fault: Fault, now: Mono) {
        self.fault = Some(fault);
        self.is_asking = false;
        self.dice = rolled(self.dice);
        let interval_ms = self.interval.as_signed_micros() / 1_000;
        let pause = back_off(self.failures, interval_ms, self.dice);
        self.failures = self.failures.saturating_add(1);
        self.next_ask = now.plus_ms(pause);
    }
}

/// Pause in ms after so many failures before this one: it doubles from 0.5 s to 15 s, or to the
/// interval where that is longer, less up to a quarter of it by `dice`, so that many clients of a
/// daemon that comes back do not ask in one instant.
fn back_off(failures: u32, interval_ms: i64, dice: u64) -> i64 {
    let doubled = FIRST_PAUSE_MS.saturating_mul(1_i64 << failures.min(10));
    let pause = doubled.min(LONGEST_PAUSE_MS.max(interval_ms));
    let quarter = (pause / 4).max(1).unsigned_abs();
    pause - i64::try_from(dice % quarter).unwrap_or(0)
}

/// The next throw (xorshift; only to spread retries).
const fn rolled(mut dice: u64) -> u64 {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    dice
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_double_from_half_a_second_to_fifteen() {
        let pauses: Vec<i64> = (0..8).map(|n| back_off(n, 2_000, 0)).collect();

        assert_eq!(
            pauses,
            [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]
        );
    }

    proptest! {
        /// Bounded on both sides, and never shorter than any pause of two failures before.
        #[test]
        fn a_pause_is_bounded_and_grows(
            failures in 0_u32..2_000,
            interval_ms in 250_i64..3_600_000,
            dice: u64,
            other: u64,
        ) {
            let pause = back_off(failures, interval_ms, dice);
            let whole = back_off(failures, interval_ms, 0);
            let later = back_off(failures + 1, interval_ms, other);

            prop_assert!(FIRST_PAUSE_MS * 3 / 4 <= pause);
            prop_assert!(pause <= LONGEST_PAUSE_MS.max(interval_ms));
            prop_assert!(whole * 3 / 4 <= pause && pause <= whole);
            prop_assert!(whole <= back_off(failures + 1, interval_ms, 0));
            prop_assert!(pause * 3 / 4 <= later);
        }

        /// A dice that stood at zero would spread nothing.
        #[test]
        fn the_dice_never_stop(dice in 1_u64..) {
            prop_assert_ne!(rolled(dice), 0);
            prop_assert_ne!(rolled(dice), dice);
        }
    }
}
