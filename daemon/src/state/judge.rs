//! Acting on deadlines: late, DOWN, GONE and the end of tombstones, each stamped with the moment
//! it was due.

use lastbeat_proto::Span;

use super::State;
use super::dirty::List;
use super::flapping::end_of_flapping;
use super::queue::Entry;
use super::slab::{Place, flag};
use crate::clock::{Listened, Moment};
use crate::instance::{self, Life};

/// Rows touched by one hold of the sweep: some 0.2 ms, which is what a heartbeat may have to wait
/// for each time it needs the lock.
const MAX_SWEPT: usize = 256;
/// Rows touched before a reader is answered.
const MAX_LOOKED_AT: usize = 1_024;

impl State {
    /// Acts on the deadlines that are due, in as many rows as one hold of the lock may touch; says
    /// whether there is more to do. Marks of a mass loss that do not all fit behind what was due
    /// have holds of their own.
    pub fn sweep(&mut self, now: Moment) -> bool {
        self.advance(now);
        self.sweep_due(now, MAX_SWEPT, true);
        self.mass.is_owing() || self.is_due()
    }

    /// The same before reading, in at most [`MAX_LOOKED_AT`] rows and with no more marks than fit,
    /// so that an answer never shows a status whose deadline has passed (beyond the first 1,024 of
    /// a storm); says whether more is due.
    pub fn look(&mut self, now: Moment) -> bool {
        self.advance(now);
        self.sweep_due(now, MAX_LOOKED_AT, false);
        self.is_due()
    }

    fn sweep_due(&mut self, now: Moment, most: usize, makes_marks: bool) {
        let l = self.listening.l();
        let mut left = most;
        while 0 < left {
            if self.owes_first(l) {
                let is_for_marks = makes_marks && left == most;
                if !is_for_marks && left < self.mass.owed() && !self.is_due() {
                    return;
                }
                left -= self.mark_lost(left);
                continue;
            }
            let Some(entry) = self.queue.pop_due(l) else {
                return;
            };
            left -= 1;
            let Some(hot) = self.slab.get_mut(entry.place) else {
                continue;
            };
            if hot.queued != Some(entry.deadline) {
                continue; // A nearer deadline took its place.
            }
            hot.queued = None;
            self.act(entry.place, now);
            self.enqueue(entry.place);
        }
    }

    fn is_due(&self) -> bool {
        self.queue.next_due(self.listening.l()).is_some()
    }

    /// Where only marks are left to be made: for how long, at most `most`, nothing is due.
    pub fn only_marks_for(&self, most: Span) -> Option<Span> {
        if !self.mass.is_owing() || self.is_due() {
            return None;
        }
        Some(self.until_deadline().map_or(most, |span| span.min(most)))
    }

    /// Whether those who were lost together get their marks before anything else is done. They fell
    /// before whatever is due next; but others that fall with them come first, as readers wait for
    /// these.
    fn owes_first(&self, l: Listened) -> bool {
        let Some(last) = self.mass.owes_until() else {
            return false;
        };
        let falls = |entry: Entry| {
            let hot = self.slab.get(entry.place);
            hot.is_some_and(|hot| hot.life == Life::Up) && entry.deadline <= last
        };
        !self.queue.next_due(l).is_some_and(falls)
    }

    /// Brings one row up to date, and marks who was lost with it; more than a hold of the sweep may
    /// touch are left to the sweep, and so are all while it is about it.
    pub(super) fn judge(&mut self, place: Place, now: Moment) {
        let is_swept = self.mass.is_owing();
        self.act(place, now);
        if !is_swept && self.mass.owed() <= MAX_SWEPT {
            self.mark_lost(MAX_SWEPT);
        }
    }

    /// Everything that was due for a row happens now, in order.
    fn act(&mut self, place: Place, now: Moment) {
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
            self.mark_lost(usize::MAX);
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
        self.mass.note(since_l, place, self.counts.up);
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
            self.mass.ended(old_grave);
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

    /// Marks some of those who were lost together, the first first, and says how many it looked at.
    /// When half of a large registry is lost, the one that makes it half must not mark all others
    /// in the hold in which it falls itself.
    fn mark_lost(&mut self, most: usize) -> usize {
        for looked_at in 0..most {
            let Some(victim) = self.mass.next_owed() else {
                return looked_at;
            };
            let Some(hot) = self.slab.get_mut(victim) else {
                continue;
            };
            if hot.life != Life::Down || !hot.set(flag::MASS) {
                continue;
            }
            self.mass.add(hot.since_l, hot.since);
            self.mark(victim, List::Lazy);
            if self.mass.is_owing() {
                self.touch(victim);
            } else {
                // They are all told of at once, and the notice with them.
                self.touch_and_wake(victim);
            }
        }
        most
    }
}

/// How [`silent_for`] begins, and room for all of it.
const SILENT_FOR: &str = "no heartbeat for ";
const SILENT_FOR_BYTES: usize = 32;

/// Why a row is DOWN or GONE, in words.
pub(super) fn silent_for(silence: Span) -> String {
    let mut text = String::with_capacity(SILENT_FOR_BYTES);
    text.push_str(SILENT_FOR);
    // As the span is shown everywhere. In a storm this is said of each, and again in each list.
    for (count, unit) in silence.units() {
        text.push_str(itoa::Buffer::new().format(count));
        text.push_str(unit);
    }
    text
}
