//! Mass loss: when many instances go DOWN together, it is rather the network than each of them,
//! and their rows are kept longer. They are shown DOWN all the same.

use std::collections::BTreeSet;

use lastbeat_proto::{Span, Timestamp};

use super::slab::Place;
use crate::clock::Listened;

/// Instances that go DOWN within this time count as lost together.
pub(super) const WINDOW: Span = Span::from_secs(30);
/// Fewer are no mass.
pub(super) const MIN_LOST: usize = 5;

/// Who went DOWN lately.
#[derive(Debug, Default)]
pub(super) struct Mass {
    /// Who went DOWN in this run, within the window, and still is: since when, and who.
    lost: BTreeSet<(Listened, Place)>,
    /// Those of them that carry no mark yet, as they are no mass.
    unmarked: BTreeSet<(Listened, Place)>,
    /// Those of them that are a mass and get their mark as soon as it is their turn.
    owed: BTreeSet<(Listened, Place)>,
    /// Size of the loss that the notice tells of.
    pub(super) victims: usize,
    /// Those of them that are DOWN now.
    down: BTreeSet<Place>,
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
        while let Some(oldest) = self.lost.first().copied()
            && oldest.0.plus(WINDOW) < since
        {
            self.forget(oldest);
        }
        self.lost.insert((since, place));
        self.unmarked.insert((since, place));
        if MIN_LOST <= self.lost.len() && up <= self.lost.len() {
            let unmarked = std::mem::take(&mut self.unmarked);
            if self.owed.is_empty() {
                self.owed = unmarked;
            } else {
                self.owed.extend(unmarked);
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

    /// Whether somebody is to be marked.
    pub(super) fn is_owing(&self) -> bool {
        !self.owed.is_empty()
    }

    /// An instance that was DOWN since then is not any more.
    pub(super) fn note_return(&mut self, since: Listened, place: Place) {
        self.forget((since, place));
    }

    fn forget(&mut self, loss: (Listened, Place)) {
        self.lost.remove(&loss);
        self.unmarked.remove(&loss);
        self.owed.remove(&loss);
    }

    /// Another victim, DOWN since `since_l`. One that falls later than a window behind the others is
    /// of another loss: it is told together with one that stands, and instead of one that is over.
    pub(super) fn add(&mut self, place: Place, since_l: Listened, since: Timestamp) {
        let is_apart = self.newest.is_none_or(|l| l.plus(WINDOW) < since_l);
        if is_apart && !self.is_standing() {
            self.forget_loss();
        }
        if is_apart || self.losses == 0 {
            self.losses += 1;
        }
        self.newest = self.newest.max(Some(since_l));
        self.since = self.since.or(Some(since));
        self.victims += 1;
        self.down.insert(place);
    }

    /// A victim of a run before, in any order; whether they fell in one loss is not known any more.
    pub(super) fn load(&mut self, place: Place, since_l: Listened, since: Timestamp) {
        self.losses = 1;
        self.newest = self.newest.max(Some(since_l));
        self.since = Some(self.since.map_or(since, |first| first.min(since)));
        self.victims += 1;
        self.down.insert(place);
    }

    /// A DOWN row with the mark is heard again or left.
    pub(super) fn ended(&mut self, place: Place) {
        self.down.remove(&place);
        if self.down.is_empty() {
            self.forget_loss();
        }
    }

    fn forget_loss(&mut self) {
        self.victims = 0;
        self.losses = 0;
        self.since = None;
        self.down.clear();
    }

    /// How many of the victims are DOWN now.
    pub(super) fn down(&self) -> usize {
        self.down.len()
    }

    /// Whether the notice stands: while a quarter of the victims are DOWN.
    pub(super) fn is_standing(&self) -> bool {
        0 < self.victims && self.victims <= 4 * self.down()
    }
}
