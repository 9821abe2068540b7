//! Times in which nothing changed: of one instance, and of all of a service together.

use std::collections::BTreeMap;

use lastbeat_proto::EventKind;
use lastbeat_proto::answer::Seen;

use super::REACH_US;
use crate::clock::Listened;
use crate::state::command::DEREGISTERED;
use crate::state::record::EventRecord;

/// A time in which nothing changed, in microseconds before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) seen: Seen,
    /// Its newer end.
    pub(super) until: i64,
    /// Its older end.
    pub(super) from: i64,
}

/// Time that was listened to, and how long ago that was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listening {
    pub(super) from_l: Listened,
    pub(super) until_l: Listened,
    /// How long ago `until_l` was, in microseconds.
    pub(super) until: i64,
}

impl Listening {
    /// How long ago `l` was, which lies within.
    fn ago(&self, l: Listened) -> i64 {
        self.until + self.until_l.micros_since(l)
    }
}

/// When each instance began to be how, newest first, by its number. What was before the last of
/// them nobody knows; only of a first registration, among `events` that are not cut at `limit`, it
/// is known that there was nothing before.
pub(super) fn turns(events: &[EventRecord], limit: usize) -> BTreeMap<i64, Vec<(Listened, Seen)>> {
    let mut turns: BTreeMap<i64, Vec<(Listened, Seen)>> = BTreeMap::new();
    let mut oldest: BTreeMap<i64, &EventRecord> = BTreeMap::new();
    for event in events {
        let Some(subject) = &event.subject else {
            continue;
        };
        let seen = match event.kind {
            EventKind::Registered | EventKind::Up | EventKind::Back => Seen::Up,
            EventKind::Gone if event.reason.as_deref() == Some(DEREGISTERED) => Seen::Absent,
            // It was removed because it was DOWN, and is no better for that.
            EventKind::Down | EventKind::Gone => Seen::Down,
            EventKind::Changed | EventKind::Start | EventKind::Stall => continue,
        };
        turns.entry(subject.id).or_default().push((event.l, seen));
        oldest.insert(subject.id, event);
    }
    for (id, event) in oldest {
        if event.kind == EventKind::Registered
            && events.len() < limit
            && let Some(turns) = turns.get_mut(&id)
        {
            turns.push((Listened::from_micros(i64::MIN), Seen::Absent));
        }
    }
    turns
}

/// How one instance was, newest first and without a gap, back to [`REACH_US`].
pub(super) fn pieces(listened: &[Listening], turns: &[(Listened, Seen)]) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let mut turns = turns.iter().peekable();
    let mut turn = turns.next();
    for listening in listened {
        // Of the time behind the older end of the gap nothing is known but that it was away.
        while let Some((l, _)) = turn
            && listening.until_l < *l
        {
            turn = turns.next();
        }
        let gap = turn.map_or(Seen::Unknown, |(_, seen)| *seen);
        pieces.reach(unwatched(gap), listening.until);
        let mut newer = listening.until_l;
        while listening.from_l < newer {
            let (from_l, seen) = turn.map_or((listening.from_l, Seen::Unknown), |turn| *turn);
            let older = from_l.max(listening.from_l);
            pieces.reach(seen, listening.ago(older));
            newer = older;
            if from_l == older {
                turn = turns.next();
            }
        }
    }
    pieces.reach(
        turn.map_or(Seen::Unknown, |(_, seen)| unwatched(*seen)),
        REACH_US,
    );
    pieces.0
}

/// What is known of a time in which nobody listened: who was not registered before was not then.
const fn unwatched(seen: Seen) -> Seen {
    match seen {
        Seen::Absent => Seen::Absent,
        Seen::Up | Seen::Down | Seen::Unknown => Seen::Unknown,
    }
}

/// Pieces from now on backwards, equal neighbors being one.
#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    /// From the end of the last piece back to `from` it was so.
    fn reach(&mut self, seen: Seen, from: i64) {
        let until = self.0.last().map_or(0, |last| last.from);
        let from = from.min(REACH_US);
        if from <= until {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.seen == seen => last.from = from,
            _ => self.0.push(Piece { seen, until, from }),
        }
    }
}

/// All instances together, added one after the other: UP while one of them is; what nobody knows of
/// one is not known of all; DOWN while none is UP and one is DOWN.
#[derive(Default)]
pub(super) struct Together {
    /// At each moment in which something changes: by how many more it is so, in the order of
    /// [`ORDER`]. Absences are the same for all, so this does not grow with the instances.
    turns: BTreeMap<i64, [i64; ORDER.len()]>,
}

/// What one of them is counts for all, the first of these that is there.
const ORDER: [Seen; 4] = [Seen::Up, Seen::Unknown, Seen::Down, Seen::Absent];

impl Together {
    /// One more instance.
    pub(super) fn add(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            for (moment, by) in [(piece.until, 1), (piece.from, -1)] {
                let counts = self.turns.entry(moment).or_default();
                let own = ORDER
                    .iter()
                    .zip(counts)
                    .find(|(seen, _)| **seen == piece.seen);
                if let Some((_, count)) = own {
                    *count += by;
                }
            }
        }
    }

    /// How they were, newest first and without a gap.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Pieces::default();
        let mut counts = [0; ORDER.len()];
        let mut seen = Seen::Absent;
        for (moment, by) in &self.turns {
            pieces.reach(seen, *moment);
            for (count, by) in counts.iter_mut().zip(by) {
                *count += by;
            }
            let best = ORDER.iter().zip(counts).find(|(_, count)| 0 < *count);
            seen = best.map_or(Seen::Absent, |(seen, _)| *seen);
        }
        pieces.reach(seen, REACH_US);
        pieces.0
    }
}
