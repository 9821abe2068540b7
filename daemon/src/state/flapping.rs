//! Flapping, as it is noted at a change of status and ends by a deadline.
//!
//! How many changes are too many is decided by [`Changes`](crate::instance::Changes).

use super::State;
use super::dirty::List;
use super::slab::{Hot, Place, flag};
use crate::clock::Listened;
use crate::instance::Life;

impl State {
    /// Its status has stood for long enough.
    pub(super) fn end_flapping(&mut self, place: Place) {
        if let Some(hot) = self.slab.get_mut(place) {
            hot.clear(flag::FLAPPING);
        }
        self.touch(place);
        self.mark(place, List::Lazy);
    }
}

impl Hot {
    /// Its status changes at `since_l`: one that changes often enough flaps, and goes on doing so
    /// until its status has stood for a while. What a client asks for is no flapping.
    pub(super) fn note_status(&mut self, next: Life, since_l: Listened) {
        let is_asked_for = Life::Deregistered == self.life || Life::Deregistered == next;
        if is_asked_for || self.life.status() == next.status() {
            return;
        }
        if self
            .changes
            .quiet_after(self.ttl)
            .is_some_and(|end| end < since_l)
        {
            self.clear(flag::FLAPPING);
        }
        self.changes.note(since_l);
        if self.changes.are_many(self.ttl) {
            self.set(flag::FLAPPING);
        }
    }
}

/// The last moment at which a row that flaps still does, if nothing more happens.
pub(super) fn end_of_flapping(hot: &Hot) -> Option<Listened> {
    if hot.has(flag::FLAPPING) && hot.life.is_registered() {
        hot.changes.quiet_after(hot.ttl)
    } else {
        None
    }
}
