//! How a service was in the last days: UP, DOWN, not registered, or unknown.
//!
//! Events and stretches are placed by listening time, so that no step of a wall clock moves them;
//! only how long the daemon was away is told by the wall clock, which alone went on meanwhile.
//! While nobody listened, nobody knows: that time counts neither as UP nor as DOWN.

use std::collections::{BTreeMap, BTreeSet};

use lastbeat_proto::answer::{
    InstanceUptime, Seen, Uptime, UptimeAnswer, UptimePiece, UptimeWindow,
};
use lastbeat_proto::{EventKind, InstanceId, ServiceName, Span, Timestamp};

use super::State;
use super::record::{EventRecord, Stretch};
use crate::clock::{Listened, Moment};
use crate::instance::Life;

/// The windows that are told, in hours.
const WINDOWS: [u32; 3] = [24, 7 * 24, 30 * 24];
const HOUR_US: i64 = 3_600_000_000;
/// How far back anything is looked at.
const REACH_US: i64 = 30 * 24 * HOUR_US;
/// What is told in pieces.
const DAY_US: i64 = 24 * HOUR_US;
/// Instances that are told one by one.
const MAX_INSTANCES: usize = 100;
/// Share of a whole in thousandths of a per cent.
const WHOLE: u64 = 100_000;

/// What is needed to tell the uptime of a service, copied out of the lock.
#[derive(Debug)]
pub struct Watched {
    name: ServiceName,
    now: Timestamp,
    l: Listened,
    /// Newest first.
    stretches: Vec<Stretch>,
    /// Those registered now.
    instances: Vec<Registered>,
}

#[derive(Debug)]
struct Registered {
    id: i64,
    instance: InstanceId,
    life: Life,
    since_l: Listened,
}

/// A time in which nothing changed, in microseconds before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    seen: Seen,
    /// Its newer end.
    until: i64,
    /// Its older end.
    from: i64,
}

/// Time that was listened to, and how long ago that was.
#[derive(Debug, Clone, Copy)]
struct Listening {
    from_l: Listened,
    until_l: Listened,
    /// How long ago `until_l` was, in microseconds.
    until: i64,
}

impl Listening {
    /// How long ago `l` was, which lies within.
    fn ago(&self, l: Listened) -> i64 {
        self.until + self.until_l.micros_since(l)
    }
}

impl State {
    /// What is needed to tell the uptime of `name`.
    pub fn watched(&self, name: &ServiceName, now: Moment) -> Watched {
        let places = self.slab.of_name(name);
        let hots = places.filter_map(|place| self.slab.get(place));
        Watched {
            name: name.clone(),
            now: now.wall,
            l: self.listening.l(),
            stretches: self.listening.stretches().iter().rev().copied().collect(),
            instances: hots
                .filter(|hot| hot.life.is_registered())
                .map(|hot| Registered {
                    id: hot.detail.id,
                    instance: hot.detail.instance.clone(),
                    life: hot.life,
                    since_l: hot.since_l,
                })
                .collect(),
        }
    }
}

impl Watched {
    /// Whether nothing of that name is registered.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// How it was; `events` are those of its name that are known, newest first.
    pub fn uptime(&self, events: &[EventRecord]) -> UptimeAnswer {
        let listened = self.listened();
        let mut turns = turns(events);
        for one in &self.instances {
            // What an event should have said, but is not kept.
            let own = turns.entry(one.id).or_default();
            if own.first().is_none_or(|(l, _)| *l < one.since_l) {
                own.insert(0, (one.since_l, seen_as(one.life)));
            }
        }
        let pieces: BTreeMap<i64, Vec<Piece>> = turns
            .into_iter()
            .map(|(id, turns)| (id, pieces(&listened, &turns)))
            .collect();
        let instances = self.instances.iter().take(MAX_INSTANCES);
        UptimeAnswer {
            name: self.name.to_string(),
            service: self.told(&together(pieces.values())),
            instances: instances
                .filter_map(|one| {
                    Some(InstanceUptime {
                        id: one.id,
                        instance: one.instance.to_string(),
                        uptime: self.told(pieces.get(&one.id)?),
                    })
                })
                .collect(),
            now: self.now,
        }
    }

    /// When was listened, newest first, as far as it is looked at.
    fn listened(&self) -> Vec<Listening> {
        let mut until = 0;
        let mut newer: Option<&Stretch> = None;
        let mut found = Vec::new();
        for stretch in &self.stretches {
            let until_l = match newer {
                None => self.l,
                Some(newer) => {
                    let away = newer.start_wall.as_micros() - stretch.last_wall.as_micros();
                    until += away.max(0);
                    stretch.last_l
                }
            };
            if REACH_US < until {
                break;
            }
            found.push(Listening {
                from_l: stretch.start_l,
                until_l,
                until,
            });
            until += until_l.micros_since(stretch.start_l);
            newer = Some(stretch);
        }
        found
    }

    fn told(&self, pieces: &[Piece]) -> Uptime {
        let at = |ago: i64| self.now.plus_micros(-ago);
        let day = pieces.iter().filter(|piece| piece.until < DAY_US);
        Uptime {
            windows: WINDOWS.map(|hours| window(pieces, hours)).to_vec(),
            day: day
                .rev()
                .map(|piece| UptimePiece {
                    seen: piece.seen,
                    from: at(piece.from.min(DAY_US)),
                    until: at(piece.until),
                })
                .collect(),
        }
    }
}

/// How an instance with this state is seen.
const fn seen_as(life: Life) -> Seen {
    match life {
        Life::Up => Seen::Up,
        Life::Down => Seen::Down,
        Life::TimedOut | Life::Dismissed | Life::Deregistered => Seen::Absent,
    }
}

/// When each instance began to be how, newest first, by its number. What was before the last of
/// them nobody knows, unless that one says that it was not registered.
fn turns(events: &[EventRecord]) -> BTreeMap<i64, Vec<(Listened, Seen)>> {
    let mut turns: BTreeMap<i64, Vec<(Listened, Seen)>> = BTreeMap::new();
    let mut oldest: BTreeMap<i64, &EventRecord> = BTreeMap::new();
    for event in events {
        let Some(subject) = &event.subject else {
            continue;
        };
        let seen = match event.kind {
            EventKind::Registered | EventKind::Up | EventKind::Back => Seen::Up,
            EventKind::Down => Seen::Down,
            EventKind::Gone => Seen::Absent,
            EventKind::Changed | EventKind::Start | EventKind::Stall => continue,
        };
        turns.entry(subject.id).or_default().push((event.l, seen));
        oldest.insert(subject.id, event);
    }
    for (id, event) in oldest {
        if matches!(event.kind, EventKind::Registered | EventKind::Back)
            && let Some(turns) = turns.get_mut(&id)
        {
            turns.push((Listened::from_micros(i64::MIN), Seen::Absent));
        }
    }
    turns
}

/// How one instance was, newest first and without a gap, back to [`REACH_US`].
fn pieces(listened: &[Listening], turns: &[(Listened, Seen)]) -> Vec<Piece> {
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

/// All instances together: UP while one of them is, DOWN while none is and one is DOWN.
fn together<'pieces>(all: impl Iterator<Item = &'pieces Vec<Piece>>) -> Vec<Piece> {
    /// From the best downwards: what one of them is counts for all.
    const ORDER: [Seen; 4] = [Seen::Up, Seen::Down, Seen::Unknown, Seen::Absent];
    let mut ends: BTreeSet<i64> = BTreeSet::from([REACH_US]);
    let mut begins: BTreeMap<i64, Vec<(Seen, i64)>> = BTreeMap::new();
    for piece in all.flatten() {
        ends.extend([piece.until, piece.from]);
        begins.entry(piece.until).or_default().push((piece.seen, 1));
        begins.entry(piece.from).or_default().push((piece.seen, -1));
    }
    let mut counts = ORDER.map(|seen| (seen, 0));
    let mut pieces = Pieces::default();
    let mut seen = Seen::Absent;
    for end in ends {
        pieces.reach(seen, end);
        for (begun, by) in begins.get(&end).into_iter().flatten() {
            for (_, count) in counts.iter_mut().filter(|(seen, _)| seen == begun) {
                *count += by;
            }
        }
        let best = counts.iter().find(|(_, count)| 0 < *count);
        seen = best.map_or(Seen::Absent, |(seen, _)| *seen);
    }
    pieces.0
}

/// How long it was how in the last `hours`.
fn window(pieces: &[Piece], hours: u32) -> UptimeWindow {
    let length = i64::from(hours) * HOUR_US;
    let sum = |seen: Seen| {
        let own = pieces.iter().filter(|piece| piece.seen == seen);
        let within = own.map(|piece| (piece.from.min(length) - piece.until).max(0));
        Span::from_signed_micros(within.sum())
    };
    let (up_s, down_s) = (sum(Seen::Up), sum(Seen::Down));
    let known = up_s.as_micros() + down_s.as_micros();
    // Cut, not rounded: what was DOWN for a second was not UP all the time.
    let share = (up_s.as_micros().saturating_mul(WHOLE)).checked_div(known);
    UptimeWindow {
        hours,
        up_s,
        down_s,
        unknown_s: sum(Seen::Unknown),
        absent_s: sum(Seen::Absent),
        up_percent: share.map(|share| share as f64 / 1_000.0),
    }
}

#[cfg(test)]
mod tests;
