//! The registry's state: pure, single-threaded, and told the time with every command.
//!
//! A command reads `now` once, lets listening time advance, judges what it touches, and leaves
//! marks of what must be stored. Locks, waiting and the disk are left to [`crate::registry`] and
//! [`crate::flush`]; the arithmetic of liveness is in [`crate::instance`].

mod again;
mod change;
mod command;
mod delta;
pub mod dirty;
mod due;
mod fixed;
mod flapping;
mod journal;
mod judge;
mod listening;
mod mass;
mod notice;
mod queue;
pub mod record;
mod restore;
mod select;
mod slab;
mod tally;
mod uptime;
mod view;
mod worst;

use std::collections::BTreeSet;

use lastbeat_proto::{EventKind, Span};

use self::dirty::Dirty;
use self::journal::Journal;
use self::listening::{Listening, Passed};
use self::mass::Mass;
use self::queue::Queue;
use self::record::{EventRecord, Subject};
use self::slab::{Hot, Slab, Standing};
use self::tally::Tally;
use crate::clock::{Listened, Moment, Mono};
use crate::config::{Limits, Rules};
use crate::instance::{Life, Pulse};

pub use self::command::{Deregistered, Heard, MAX_CHOICES, Refusal};
pub use self::delta::Cursor;
pub(crate) use self::fixed::json;
pub use self::listening::MAX_STRETCHES;
pub use self::notice::{MASS_LOSS, Rewritten, StoreTrouble};
pub use self::select::{Candidate, Head, Portion};
pub use self::slab::{Detail, Place};
pub use self::tally::{Figures, Spread};
pub use self::uptime::Watched;
pub use self::view::{LEAST_ROW_BYTES, RowSnapshot};
pub use self::worst::WorstFirst;

/// How many rows are how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counts {
    up: usize,
    late: usize,
    down: usize,
    /// Tombstones that the screens show.
    shown: usize,
    /// UP rows that were not heard since the newest stretch began.
    unconfirmed: usize,
}

/// Everything the registry knows.
#[derive(Debug)]
pub struct State {
    rules: Rules,
    limits: Limits,
    /// Steady time of this start: the zero of `up_ms`.
    origin: Mono,
    /// Tells this run's cursors from those of another.
    run: String,
    listening: Listening,
    slab: Slab,
    queue: Queue,
    /// Tombstones by the time they left, oldest first.
    graves: BTreeSet<(Listened, Place)>,
    counts: Counts,
    mass: Mass,
    journal: Journal,
    dirty: Dirty,
    next_id: i64,
    /// Moves at any visible change of a row, heartbeats too.
    change: u64,
    /// The last change that wakes who waits for one.
    waking_change: u64,
    /// A cursor below it must read everything again.
    floor: u64,
    notices: notice::Facts,
    tally: Tally,
}

impl State {
    /// From now on time counts.
    pub fn listen(&mut self, now: Moment) {
        self.listening.listen(now);
    }

    /// Lets listening time advance and nothing else: for the last words of a stop.
    pub fn read_clock(&mut self, now: Moment) {
        self.advance(now);
    }

    /// Listening time so far.
    pub fn listened(&self) -> Listened {
        self.listening.l()
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Reads the clock. Every command does it first.
    fn advance(&mut self, now: Moment) {
        match self.listening.advance(now) {
            Passed::Smoothly => {}
            Passed::WallStepped => self.start_over(),
            Passed::Stalled(gap_us) => {
                let stood_still = Span::from_signed_micros(gap_us);
                self.notices.away = Some((now.wall.plus_micros(-gap_us), now.wall));
                let reason = format!("the daemon stood still for {stood_still}");
                self.record(now, EventKind::Stall, None, Some(reason));
                self.counts.unconfirmed = self.counts.up;
                self.dirty.wants_store = true;
                self.start_over();
            }
        }
    }

    /// Readers of deltas must read everything again: ages or confirmations changed everywhere.
    fn start_over(&mut self) {
        self.change += 1;
        self.waking_change = self.change;
        self.floor = self.change;
    }

    /// Adds a row to the counts, or takes it out with `-1`.
    fn count(&mut self, row: Standing, by: isize) {
        let is_unconfirmed = self
            .listening
            .newest_start()
            .is_some_and(|start| row.heard < start);
        let counts = &mut self.counts;
        let add = |count: &mut usize| *count = count.saturating_add_signed(by);
        match row.life {
            Life::Up => {
                add(&mut counts.up);
                if row.is_late {
                    add(&mut counts.late);
                }
                if is_unconfirmed {
                    add(&mut counts.unconfirmed);
                }
            }
            Life::Down => add(&mut counts.down),
            Life::TimedOut | Life::Dismissed | Life::Deregistered if row.is_shown => {
                add(&mut counts.shown);
            }
            Life::TimedOut | Life::Dismissed | Life::Deregistered => {}
        }
    }

    /// What the rule needs to know about a row.
    fn pulse(&self, hot: &Hot) -> Pulse {
        Pulse {
            heard: hot.heartbeat.l,
            ttl: hot.ttl,
            first: self.listening.first_after(hot.heartbeat.l),
        }
    }

    /// A visible change that a waiting reader is not woken for.
    fn touch(&mut self, place: Place) {
        self.change += 1;
        self.slab.set_change(place, self.change);
    }

    /// A visible change that wakes who waits.
    fn touch_and_wake(&mut self, place: Place) {
        self.touch(place);
        self.waking_change = self.change;
    }

    /// Records an event that is due at this moment.
    fn record(
        &mut self,
        now: Moment,
        kind: EventKind,
        subject: Option<Subject>,
        reason: Option<String>,
    ) {
        let l = self.listening.l();
        self.journal.record(EventRecord {
            revision: 0,
            at: now.wall,
            l,
            kind,
            subject,
            reason,
        });
    }

    /// Records a transition of a row; the caller says how soon the row is stored.
    fn record_transition(&mut self, place: Place, event: EventKind, reason: String) {
        let Some(hot) = self.slab.get(place) else {
            return;
        };
        self.journal.record(EventRecord {
            revision: 0,
            at: hot.since,
            l: hot.since_l,
            kind: event,
            subject: Some(subject(hot)),
            reason: Some(reason),
        });
    }
}

fn subject(hot: &Hot) -> Subject {
    Subject {
        id: hot.detail.id,
        name: hot.detail.name.clone(),
        instance: hot.detail.instance.clone(),
    }
}

#[cfg(test)]
mod tests;
