//! Mass loss: when many instances go DOWN together, it is rather the network than each of them,
//! and their rows are kept longer. They are shown DOWN all the same.

mod falls;

use lastbeat_proto::{Span, Timestamp};

use self::falls::{Fall, Falls};
use super::slab::Place;
use crate::clock::Listened;

/// Instances that go DOWN within this time count as lost together.
pub(super) const WINDOW: Span = Span::from_secs(30);
/// Fewer are no mass.
pub(super) const MIN_LOST: usize = 5;

/// Who went DOWN lately.
#[derive(Debug, Default)]
pub(super) struct Mass {
    /// Who went DOWN in this run, within the window, and still is.
    lost: Falls,
    /// Those of them that carry no mark yet, as they are no mass.
    unmarked: Falls,
    /// Those of them that are a mass and get their mark as soon as it is their turn.
    owed: Falls,
    /// Size of the loss that the notice tells of.
    pub(super) victims: usize,
    /// How many of them are DOWN now.
    down: usize,
    /// Since when the first of them is DOWN. Who carries the mark for longer is of a loss before.
    oldest: Option<Listened>,
    /// How many losses that is: more than one where others fell later, while the first stood.
    pub(super) losses: usize,
    /// When it began, on the wall.
    pub(super) since: Option<Timestamp>,
    /// When the newest of them went DOWN.
    newest: Option<Listened>,
}

impl Mass {
    /// Notes a new DOWN, forgets those before the window, and owes a mark to all that have none if
    /// so many were lost and did not come back: n ≥ 5 and 2n ≥ n + UP.
    pub(super) fn note(&mut self, since: Listened, place: Place, up: usize) {
        while let Some(oldest) = self.lost.first()
            && oldest.0.plus(WINDOW) < since
        {
            self.forget(oldest);
        }
        self.lost.insert((since, place));
        self.unmarked.insert((since, place));
        if MIN_LOST <= self.lost.len() && up <= self.lost.len() {
            if self.owed.is_empty() {
                std::mem::swap(&mut self.owed, &mut self.unmarked);
            }
            while let Some(fall) = self.unmarked.pop_first() {
                self.owed.insert(fall);
            }
        }
    }

    /// The next one to mark.
    pub(super) fn next_owed(&mut self) -> Option<Place> {
        self.owed.pop_first().map(|(_, place)| place)
    }

    /// Deadlines behind this one would make it forget somebody who is to be marked; nobody is:
    /// nothing.
    pub(super) fn owes_until(&self) -> Option<Listened> {
        self.owed.first().map(|(since, _)| since.plus(WINDOW))
    }

    /// How many are to be marked.
    pub(super) const fn owed(&self) -> usize {
        self.owed.len()
    }

    /// Whether somebody is.
    pub(super) const fn is_owing(&self) -> bool {
        !self.owed.is_empty()
    }

    /// An instance that was DOWN since then is not any more.
    pub(super) fn note_return(&mut self, since: Listened, place: Place) {
        self.forget((since, place));
    }

    fn forget(&mut self, fall: Fall) {
        self.lost.remove(fall);
        self.unmarked.remove(fall);
        self.owed.remove(fall);
    }

    /// Another victim, DOWN since `since_l`. One that falls later than a window behind the others is
    /// of another loss: it is told together with one that stands, and instead of one that is over.
    pub(super) fn add(&mut self, since_l: Listened, since: Timestamp) {
        let is_apart = self.newest.is_none_or(|l| l.plus(WINDOW) < since_l);
        if is_apart && !self.is_standing() {
            self.forget_loss();
        }
        if is_apart || self.losses == 0 {
            self.losses += 1;
        }
        self.newest = self.newest.max(Some(since_l));
        self.since = self.since.or(Some(since));
        self.count(since_l);
    }

    /// A victim of a run before, in any order; whether they fell in one loss is not known any more.
    pub(super) fn load(&mut self, since_l: Listened, since: Timestamp) {
        self.losses = 1;
        self.newest = self.newest.max(Some(since_l));
        self.since = Some(self.since.map_or(since, |first| first.min(since)));
        self.count(since_l);
    }

    fn count(&mut self, since_l: Listened) {
        self.victims += 1;
        self.down += 1;
        self.oldest = Some(self.oldest.map_or(since_l, |oldest| oldest.min(since_l)));
    }

    /// A row with the mark that was DOWN since then is heard again or left.
    pub(super) fn ended(&mut self, since_l: Listened) {
        if self.oldest.is_some_and(|oldest| oldest <= since_l) {
            self.down -= 1;
        }
        if self.down == 0 {
            self.forget_loss();
        }
    }

    fn forget_loss(&mut self) {
        self.victims = 0;
        self.losses = 0;
        self.since = None;
        self.down = 0;
        self.oldest = None;
    }

    /// How many of the victims are DOWN now.
    pub(super) const fn down(&self) -> usize {
        self.down
    }

    /// Whether the notice stands: while a quarter of the victims are DOWN.
    pub(super) fn is_standing(&self) -> bool {
        0 < self.victims && self.victims <= 4 * self.down
    }
}
