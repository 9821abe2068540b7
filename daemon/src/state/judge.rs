//! Acting on deadlines: late, DOWN, GONE and the end of tombstones, each stamped with the moment
//! it was due.

use lastbeat_proto::Span;

use super::State;
use super::dirty::List;
use super::flapping::end_of_flapping;
use super::slab::{Place, flag};
use crate::clock::{Listened, Moment};
use crate::instance::{self, Life};

/// Deadlines acted on in one hold of the lock.
pub(super) const MAX_SWEPT: usize = 1_024;

impl State {
    /// Acts on the deadlines that are due, at most [`MAX_SWEPT`]; says whether more are due.
    pub fn sweep(&mut self, now: Moment) -> bool {
        self.advance(now);
        self.sweep_due(now)
    }

    pub(super) fn sweep_due(&mut self, now: Moment) -> bool {
        let l = self.listening.l();
        for _ in 0..MAX_SWEPT {
            let Some(entry) = self.queue.pop_due(l) else {
                return false;
            };
            let Some(hot) = self.slab.get_mut(entry.place) else {
                continue;
            };
            if hot.queued != Some(entry.deadline) {
                continue; // A nearer deadline took its place.
            }
            hot.queued = None;
            self.judge(entry.place, now);
            self.enqueue(entry.place);
        }
        self.queue.nearest().is_some_and(|deadline| deadline < l)
    }

    /// Brings one row up to date: everything that was due for it happens now, in order.
    pub(super) fn judge(&mut self, place: Place, now: Moment) {
        let l = self.listening.l();
        while let Some(hot) = self.slab.get(place) {
            let deadline = match self.next_deadline(hot) {
                Some(deadline) if deadline < l => deadline,
                _ => return,
            };
            if end_of_flapping(hot) == Some(deadline) {
                self.end_flapping(place);
                continue;
            }
            match hot.life {
                Life::Up if !hot.has(flag::LATE) => self.become_late(place),
                Life::Up => {
                    self.tally.note_delay(l.since(deadline));
                    self.go_down(place, now);
                }
                Life::Down => {
                    self.tally.note_delay(l.since(deadline));
                    self.leave(place, now);
                }
                _ if hot.has(flag::SHOWN) => self.hide(place),
                _ => self.expire(place),
            }
        }
    }

    /// At a start: what was due before it, removals aside.
    pub(super) fn judge_loaded(&mut self, now: Moment) {
        let l = self.listening.l();
        let places: Vec<Place> = self.slab.places().collect();
        let mut due = Vec::new();
        for place in places {
            let Some(hot) = self.slab.get(place) else {
                continue;
            };
            if hot.life != Life::Up {
                continue;
            }
            let pulse = self.pulse(hot);
            let deadline = pulse.deadline(self.rules.start_grace);
            if pulse.late_after() < l {
                self.become_late(place);
            }
            if deadline < l {
                due.push((deadline, place));
            }
        }
        // In the order in which they fell: what fell together is counted as it comes.
        due.sort_unstable();
        for (_, place) in due {
            self.go_down(place, now);
            self.enqueue(place);
        }
    }

    fn become_late(&mut self, place: Place) {
        if let Some(hot) = self.slab.get_mut(place)
            && hot.set(flag::LATE)
        {
            self.counts.late += 1;
        }
        self.touch(place);
    }

    fn go_down(&mut self, place: Place, now: Moment) {
        let Some(hot) = self.slab.get(place) else {
            return;
        };
        let pulse = self.pulse(hot);
        let since_l = pulse.deadline(self.rules.start_grace);
        self.change_life(place, Life::Down, since_l, now);
        let reason = silent_for(pulse.allowance(self.rules.start_grace));
        self.record_transition(place, Life::Down.event(), reason);
        self.mark(place, List::Lazy);
        self.note_loss(place, since_l);
    }

    fn leave(&mut self, place: Place, now: Moment) {
        let Some(hot) = self.slab.get(place) else {
            return;
        };
        let left_l = instance::leaves_after(hot.since_l, hot.has(flag::MASS), &self.rules);
        let silence = left_l.since(hot.heartbeat.l);
        self.change_life(place, Life::TimedOut, left_l, now);
        self.record_transition(place, Life::TimedOut.event(), silent_for(silence));
        self.mark(place, List::Lazy);
        self.bury(place, left_l);
    }

    /// Moves a row to another state, as of a listening time that may lie in the past.
    pub(super) fn change_life(&mut self, place: Place, life: Life, since_l: Listened, now: Moment) {
        let l = self.listening.l();
        let Some(hot) = self.slab.get(place) else {
            return;
        };
        let (was, is_mass) = (hot.life, hot.has(flag::MASS));
        let (leaving, old_grave) = (hot.standing(), hot.since_l);
        self.count(leaving, -1);
        if was == Life::Down {
            self.mass.note_return(old_grave, place);
        }
        if was == Life::Down && is_mass {
            self.mass.ended(place);
        }
        let Some(hot) = self.slab.get_mut(place) else {
            return;
        };
        hot.clear(flag::LATE);
        hot.clear(flag::SHOWN);
        hot.clear(flag::MASS);
        hot.note_status(life, since_l);
        hot.life = life;
        hot.since_l = since_l;
        hot.since = now.wall.plus_micros(-l.micros_since(since_l));
        let arrived = hot.standing();
        self.count(arrived, 1);
        if !was.is_registered() {
            self.graves.remove(&(old_grave, place));
        }
        self.touch_and_wake(place);
    }

    /// A row became a tombstone at `left_l`: shown for a while, kept for longer, and the oldest
    /// gives way when there are too many.
    pub(super) fn bury(&mut self, place: Place, left_l: Listened) {
        self.graves.insert((left_l, place));
        if let Some(hot) = self.slab.get_mut(place)
            && hot.life != Life::Dismissed
            && hot.set(flag::SHOWN)
        {
            self.counts.shown += 1;
        }
        while self.limits.tombstones < self.graves.len() {
            let Some((_, oldest)) = self.graves.first().copied() else {
                return;
            };
            self.expire(oldest);
        }
    }

    fn hide(&mut self, place: Place) {
        if self.take_from_screens(place) {
            self.touch(place);
        }
    }

    fn take_from_screens(&mut self, place: Place) -> bool {
        let was_shown = self
            .slab
            .get_mut(place)
            .is_some_and(|hot| hot.clear(flag::SHOWN));
        self.counts.shown = self.counts.shown.saturating_sub(usize::from(was_shown));
        was_shown
    }

    /// Readers were told that it left when it left: its change number stays, so that freeing it
    /// does not make them start over.
    fn expire(&mut self, place: Place) {
        self.take_from_screens(place);
        let Some(hot) = self.slab.get_mut(place) else {
            return;
        };
        hot.set(flag::EXPIRING);
        let since_l = hot.since_l;
        self.graves.remove(&(since_l, place));
        self.mark(place, List::Lazy);
    }

    fn note_loss(&mut self, place: Place, since_l: Listened) {
        self.mass.note(since_l, place);
        for victim in self.mass.victims(self.counts.up) {
            let Some(hot) = self.slab.get_mut(victim) else {
                continue;
            };
            if hot.life != Life::Down || !hot.set(flag::MASS) {
                continue;
            }
            self.mass.add(victim, hot.since_l, hot.since);
            self.mark(victim, List::Lazy);
            self.touch(victim);
        }
    }
}

/// Why a row is DOWN or GONE, in words.
pub(super) fn silent_for(silence: Span) -> String {
    format!("no heartbeat for {silence}")
}
