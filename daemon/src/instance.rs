//! The rules of liveness for one instance: pure arithmetic in listening time (ADR 0004).
//!
//! ```text
//! first     = the smallest start of a stretch after the last heartbeat, if any
//! silence   = L - last heartbeat
//! allowance = ttl                                       when there is no first
//!           = max(ttl, first - last heartbeat + grace)  when there is one
//! DOWN      when silence > allowance, since the deadline
//! late      when UP and silence > 3/4 ttl
//! GONE      when DOWN and L - since > remove-after
//! flapping  from the sixth change of status within 10 ttl until 5 ttl without one
//! ```
//!
//! Who keeps the numbers and acts on them is [`crate::state`].

mod changes;

use lastbeat_proto::{EventKind, Span, Status};

pub use self::changes::{Changes, FLAPPING_CHANGES, QUIET_TTLS, WITHIN_TTLS};

use crate::clock::Listened;
use crate::config::Rules;

/// A mass loss keeps its victims at least this long: a whole site that lost its network comes
/// back within minutes, and its rows should still be there.
pub const MASS_KEPT: Span = Span::from_secs(15 * 60);

/// The state of an instance as it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Life {
    /// Heard within its allowance.
    Up,
    /// Silent for longer.
    Down,
    /// Removed after it was DOWN for long enough; any heartbeat brings it back.
    TimedOut,
    /// The same, and an operator has said that it is known: not shown any more.
    Dismissed,
    /// Deregistered; only a registration brings it back, as new.
    Deregistered,
}

impl Life {
    /// The word that everybody sees.
    pub const fn status(self) -> Status {
        match self {
            Self::Up => Status::Up,
            Self::Down => Status::Down,
            Self::TimedOut | Self::Dismissed | Self::Deregistered => Status::Gone,
        }
    }

    /// Whether it is in the registry.
    pub const fn is_registered(self) -> bool {
        matches!(self, Self::Up | Self::Down)
    }

    /// The event that going from UP or DOWN to here is recorded as.
    pub const fn event(self) -> EventKind {
        match self {
            Self::Up => EventKind::Up,
            Self::Down => EventKind::Down,
            Self::TimedOut | Self::Dismissed | Self::Deregistered => EventKind::Gone,
        }
    }
}

/// What the rule needs to know about one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// Listening time of its last heartbeat.
    pub heard: Listened,
    /// How long a heartbeat counts.
    pub ttl: Span,
    /// Start of the first stretch after that heartbeat, if the daemon was away since.
    pub first: Option<Listened>,
}

impl Pulse {
    /// How long it may be silent.
    pub fn allowance(self, start_grace: Span) -> Span {
        match self.first {
            None => self.ttl,
            Some(first) => {
                let until_absence = first.since(self.heard).as_micros();
                let with_grace = until_absence.saturating_add(start_grace.as_micros());
                self.ttl.max(Span::from_micros(with_grace))
            }
        }
    }

    /// The last moment at which it is UP: one microsecond later it is DOWN, since this moment.
    pub fn deadline(self, start_grace: Span) -> Listened {
        self.heard.plus(self.allowance(start_grace))
    }

    /// The last moment at which it is not late.
    pub const fn late_after(self) -> Listened {
        // Three quarters of whole microseconds; `silence > 3/4 ttl` holds exactly behind it.
        let ttl = self.ttl.as_micros();
        self.heard.plus(Span::from_micros(ttl - ttl.div_ceil(4)))
    }

    /// Whether it is UP only because the daemon was away.
    pub const fn is_unconfirmed(self) -> bool {
        self.first.is_some()
    }
}

/// The last moment at which an instance DOWN since `since` is still in the registry.
pub fn leaves_after(since: Listened, is_mass: bool, rules: &Rules) -> Listened {
    let kept = if is_mass {
        rules.remove_after.max(MASS_KEPT)
    } else {
        rules.remove_after
    };
    since.plus(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const GRACE: Span = Span::from_secs(60);

    fn pulse(heard_s: i64, ttl_s: u64, first_s: Option<i64>) -> Pulse {
        Pulse {
            heard: Listened::from_micros(heard_s * SECOND),
            ttl: Span::from_secs(ttl_s),
            first: first_s.map(|s| Listened::from_micros(s * SECOND)),
        }
    }

    #[test]
    fn the_deadline_follows_the_table_of_adr_4() {
        // heard, ttl, first absence -> DOWN behind, all in seconds of listening time.
        let table = [
            (0, 60, None, 60),
            (90, 60, Some(100), 160),
            (0, 60, Some(60), 120),
            (20, 60, Some(31), 91),
            (90, 300, Some(101), 390),
            (45, 60, Some(51), 111),
            (0, 86_400, Some(3_600), 86_400),
        ];
        for (heard, ttl, first, down) in table {
            let deadline = pulse(heard, ttl, first).deadline(GRACE);
            assert_eq!(
                deadline,
                Listened::from_micros(down * SECOND),
                "{heard} {ttl} {first:?}"
            );
        }
    }

    #[test]
    fn late_begins_right_behind_three_quarters_of_any_ttl() {
        for ttl_us in [2_000_000_u64, 2_000_001, 2_000_002, 2_000_003, 60_000_000] {
            let pulse = Pulse {
                heard: Listened::from_micros(0),
                ttl: Span::from_micros(ttl_us),
                first: None,
            };
            let edge = pulse.late_after().as_micros().unsigned_abs();
            assert!(4 * edge <= 3 * ttl_us, "{ttl_us}: not late at {edge}");
            assert!(3 * ttl_us < 4 * (edge + 1), "{ttl_us}: late one later");
        }
    }

    #[test]
    fn a_mass_loss_is_kept_a_quarter_of_an_hour_at_least() {
        let mut rules = Rules {
            ttl: Span::from_secs(60),
            remove_after: Span::from_secs(60),
            start_grace: GRACE,
            gone_for: Span::from_secs(86_400),
            tombstones_for: Span::from_secs(7 * 86_400),
        };
        let since = Listened::from_micros(0);

        assert_eq!(
            leaves_after(since, false, &rules),
            since.plus(Span::from_secs(60))
        );
        assert_eq!(
            leaves_after(since, true, &rules),
            since.plus(Span::from_secs(900))
        );
        rules.remove_after = Span::from_secs(3_600);
        assert_eq!(
            leaves_after(since, true, &rules),
            since.plus(Span::from_secs(3_600))
        );
    }
}
