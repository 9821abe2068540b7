//! How often an instance changed its status lately, and when that is called flapping.

use lastbeat_proto::Span;
use serde::{Deserialize, Serialize};

use crate::clock::Listened;

/// So many changes of status within [`WITHIN_TTLS`] are flapping: three times DOWN and three times
/// back. Fewer could be one deployment; a restart in a loop makes them in a few minutes.
pub const FLAPPING_CHANGES: usize = 6;
/// See [`FLAPPING_CHANGES`].
pub const WITHIN_TTLS: u64 = 10;
/// An instance flaps until its status has stood for so many ttl.
pub const QUIET_TTLS: u64 = 5;

/// The moments of the newest [`FLAPPING_CHANGES`] changes of status, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changes(Vec<Listened>);

impl Changes {
    /// The moments, oldest first.
    pub fn moments(&self) -> &[Listened] {
        &self.0
    }

    /// The status changed at `moment`; the oldest change gives way.
    pub fn note(&mut self, moment: Listened) {
        if FLAPPING_CHANGES <= self.0.len() {
            self.0.remove(0);
        }
        self.0.push(moment);
    }

    /// Whether so many lie so close together.
    pub fn are_many(&self, ttl: Span) -> bool {
        match self.0.as_slice() {
            [oldest, .., newest] if FLAPPING_CHANGES <= self.0.len() => {
                *newest <= oldest.plus(times(ttl, WITHIN_TTLS))
            }
            _ => false,
        }
    }

    /// The last moment at which one that flaps still does; absent before the first change.
    pub fn quiet_after(&self, ttl: Span) -> Option<Listened> {
        Some(self.0.last()?.plus(times(ttl, QUIET_TTLS)))
    }
}

const fn times(ttl: Span, count: u64) -> Span {
    Span::from_micros(ttl.as_micros().saturating_mul(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Span = Span::from_secs(60);

    fn changes(moments_us: &[i64]) -> Changes {
        let mut changes = Changes::default();
        for us in moments_us {
            changes.note(Listened::from_micros(*us));
        }
        changes
    }

    #[test]
    fn six_changes_within_ten_ttl_are_many_and_five_are_not() {
        let edge = 600_000_000;

        assert!(changes(&[0, 1, 2, 3, 4, edge]).are_many(TTL));
        assert!(!changes(&[0, 1, 2, 3, 4, edge + 1]).are_many(TTL));
        assert!(!changes(&[0, 1, 2, 3, 4]).are_many(TTL));
        assert!(!Changes::default().are_many(TTL));
    }

    #[test]
    fn only_the_newest_six_count() {
        let long_ago = changes(&[0, 1, 2, 3, 4, 700_000_000, 700_000_001]);

        assert!(!long_ago.are_many(TTL));
        assert_eq!(long_ago.moments().len(), FLAPPING_CHANGES);
    }

    #[test]
    fn it_is_quiet_five_ttl_after_the_newest_change() {
        assert_eq!(
            changes(&[5, 7]).quiet_after(TTL),
            Some(Listened::from_micros(300_000_007))
        );
        assert_eq!(Changes::default().quiet_after(TTL), None);
    }
}
