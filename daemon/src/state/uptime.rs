//! How a service was in the last days: UP, DOWN, not registered, or unknown.
//!
//! Events and stretches are placed by listening time, so that no step of a wall clock moves them;
//! only how long the daemon was away is told by the wall clock, which alone went on meanwhile.
//! While nobody listened, nobody knows: that time counts neither as UP nor as DOWN.

mod pieces;

use lastbeat_proto::answer::{
    InstanceUptime, Seen, Uptime, UptimeAnswer, UptimePiece, UptimeWindow,
};
use lastbeat_proto::{InstanceId, ServiceName, Span, Timestamp};

use self::pieces::{Listening, Piece, Together, pieces, turns};
use super::record::{EventRecord, Stretch};
use super::{Place, State};
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

impl Watched {
    /// A service of which nothing is known yet.
    pub fn new(name: &ServiceName) -> Self {
        Self {
            name: name.clone(),
            now: Timestamp::default(),
            l: Listened::default(),
            stretches: Vec::new(),
            instances: Vec::new(),
        }
    }

    /// Adds those of these rows that are registered; all of it is as of `now` from then on.
    pub fn add(&mut self, state: &State, places: &[Place], now: Moment) {
        self.now = now.wall;
        self.l = state.listening.l();
        self.stretches.clear();
        let stretches = state.listening.stretches().iter();
        self.stretches.extend(stretches.rev().copied());
        let hots = places.iter().filter_map(|place| state.slab.get(*place));
        let registered = hots.filter(|hot| hot.life.is_registered());
        self.instances.extend(registered.map(|hot| Registered {
            id: hot.detail.id,
            instance: hot.detail.instance.clone(),
            life: hot.life,
            since_l: hot.since_l,
        }));
    }

    /// Whether nothing of that name is registered.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// How it was; `events` are those of its name that are known, newest first, at most `limit`.
    pub fn uptime(&self, events: &[EventRecord], limit: usize) -> UptimeAnswer {
        let listened = self.listened();
        let mut turns = turns(events, limit);
        let mut together = Together::default();
        let mut instances = Vec::new();
        for one in &self.instances {
            let mut own = turns.remove(&one.id).unwrap_or_default();
            // What an event should have said, but is not kept.
            if own.first().is_none_or(|(l, _)| *l < one.since_l) {
                own.insert(0, (one.since_l, seen_as(one.life)));
            }
            let pieces = pieces(&listened, &own);
            together.add(&pieces);
            if instances.len() < MAX_INSTANCES {
                instances.push(InstanceUptime {
                    id: one.id,
                    instance: one.instance.to_string(),
                    uptime: self.told(&pieces),
                });
            }
        }
        // Those that left.
        for own in turns.values() {
            together.add(&pieces(&listened, own));
        }
        UptimeAnswer {
            name: self.name.to_string(),
            service: self.told(&together.pieces()),
            instances,
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
