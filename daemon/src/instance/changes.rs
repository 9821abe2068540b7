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
#[serde(try_from = "Vec<Listened>", into = "Vec<Listened>")]
pub struct Changes(Option<Box<Newest>>);

/// Most instances never change their status, and pay for the pointer only.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Newest {
    count: usize,
    /// Zeros behind those that count.
    moments: [Listened; FLAPPING_CHANGES],
}

/// Why moments from outside are none that [`Changes::note`] can have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangesError {
    /// More than are kept.
    #[error("{0} changes of status, and at most {FLAPPING_CHANGES} are kept")]
    TooMany(usize),
    /// One is earlier than the one before it.
    #[error("changes of status must be in the order of time")]
    Disordered,
}

impl TryFrom<Vec<Listened>> for Changes {
    type Error = ChangesError;

    fn try_from(moments: Vec<Listened>) -> Result<Self, ChangesError> {
        if FLAPPING_CHANGES < moments.len() {
            return Err(ChangesError::TooMany(moments.len()));
        }
        if !moments.is_sorted() {
            return Err(ChangesError::Disordered);
        }
        Ok(moments.into_iter().fold(Self::default(), Self::with))
    }
}

impl From<Changes> for Vec<Listened> {
    fn from(changes: Changes) -> Self {
        changes.moments().to_vec()
    }
}

impl Changes {
    /// The moments, oldest first.
    pub fn moments(&self) -> &[Listened] {
        let newest = self.0.as_deref();
        newest.map_or(&[], |newest| {
            newest.moments.get(..newest.count).unwrap_or_default()
        })
    }

    /// The status changed at `moment`; the oldest change gives way. One before the newest counts
    /// as at that one, so that the order always holds.
    pub fn note(&mut self, moment: Listened) {
        let moment = { self.moments().last() }.map_or(moment, |newest| moment.max(*newest));
        let newest = self.0.get_or_insert_with(|| {
            Box::new(Newest {
                count: 0,
                moments: [Listened::default(); FLAPPING_CHANGES],
            })
        });
        if FLAPPING_CHANGES <= newest.count {
            newest.moments.rotate_left(1);
            newest.count -= 1;
        }
        if let Some(free) = newest.moments.get_mut(newest.count) {
            *free = moment;
            newest.count += 1;
        }
    }

    fn with(mut self, moment: Listened) -> Self {
        self.note(moment);
        self
    }

    /// Whether so many lie so close together.
    pub fn are_many(&self, ttl: Span) -> bool {
        let moments = self.moments();
        match moments {
            [oldest, .., newest] if FLAPPING_CHANGES <= moments.len() => {
                *newest <= oldest.plus(times(ttl, WITHIN_TTLS))
            }
            _ => false,
        }
    }

    /// The last moment at which one that flaps still does; absent before the first change.
    pub fn quiet_after(&self, ttl: Span) -> Option<Listened> {
        Some(self.moments().last()?.plus(times(ttl, QUIET_TTLS)))
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
    fn moments_from_outside_are_few_and_in_order() {
        assert_eq!(changes(&[2, 1]).moments(), changes(&[2, 2]).moments());
        let parse = |json: &str| serde_json::from_str::<Changes>(json).map_err(|e| e.to_string());

        assert_eq!(parse("[1,2,2,3,4,5]"), Ok(changes(&[1, 2, 2, 3, 4, 5])));
        assert_eq!(serde_json::to_string(&changes(&[1, 2])).unwrap(), "[1,2]");
        let too_many = parse("[1,2,3,4,5,6,7]").unwrap_err();
        assert!(
            too_many.contains("7 changes of status, and at most 6 are kept"),
            "{too_many}"
        );
        let disordered = parse("[2,1]").unwrap_err();
        assert!(
            disordered.contains("must be in the order of time"),
            "{disordered}"
        );
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
