//! When something is due next: for a row, and for the sweep.

use lastbeat_proto::Span;

use super::State;
use super::flapping::end_of_flapping;
use super::queue::Entry;
use super::slab::{Hot, Place, flag};
use crate::clock::Listened;
use crate::instance::{self, Life};

/// Superseded deadlines that a small registry may keep.
const SPARE_ENTRIES: usize = 1_024;

impl State {
    /// How long the sweep may sleep: until just behind the nearest deadline.
    pub fn until_due(&self) -> Option<Span> {
        if self.mass.is_owing() {
            return Some(Span::from_micros(0));
        }
        self.until_deadline()
    }

    /// Until just behind the nearest deadline.
    pub(super) fn until_deadline(&self) -> Option<Span> {
        let deadline = self.queue.nearest()?;
        Some(
            deadline
                .plus(Span::from_micros(1))
                .since(self.listening.l()),
        )
    }

    /// Sees to it that a row's next deadline is queued. One that moved away is left where it is;
    /// one that moved nearer gets a new entry.
    pub(super) fn enqueue(&mut self, place: Place) {
        let Some(deadline) = self.slab.get(place).and_then(|hot| self.next_deadline(hot)) else {
            return;
        };
        let Some(hot) = self.slab.get_mut(place) else {
            return;
        };
        if hot.queued.is_none_or(|queued| deadline < queued) {
            hot.queued = Some(deadline);
            self.queue.push(Entry { deadline, place });
            self.tidy_queue();
        }
    }

    /// Superseded entries are dropped when they outnumber the rows: a client that changes its ttl
    /// to and fro must not fill the memory with deadlines of next month.
    fn tidy_queue(&mut self) {
        if 2 * self.slab.len() + SPARE_ENTRIES < self.queue.len() {
            let slab = &self.slab;
            self.queue.retain(|entry| {
                slab.get(entry.place)
                    .is_some_and(|hot| hot.queued == Some(entry.deadline))
            });
        }
    }

    /// The last moment at which nothing is due for a row.
    pub(super) fn next_deadline(&self, hot: &Hot) -> Option<Listened> {
        let of_life = self.deadline_of_life(hot)?;
        Some(end_of_flapping(hot).map_or(of_life, |end| end.min(of_life)))
    }

    /// The last moment at which its life does not change.
    fn deadline_of_life(&self, hot: &Hot) -> Option<Listened> {
        if hot.has(flag::EXPIRING) {
            return None;
        }
        Some(match hot.life {
            Life::Up if hot.has(flag::LATE) => self.pulse(hot).deadline(self.rules.start_grace),
            Life::Up => self.pulse(hot).late_after(),
            Life::Down => instance::leaves_after(hot.since_l, hot.has(flag::MASS), &self.rules),
            Life::TimedOut | Life::Dismissed | Life::Deregistered => {
                let kept = hot.since_l.plus(self.rules.tombstones_for);
                let shown = hot.since_l.plus(self.rules.gone_for);
                if hot.has(flag::SHOWN) {
                    shown.min(kept)
                } else {
                    kept
                }
            }
        })
    }
}
