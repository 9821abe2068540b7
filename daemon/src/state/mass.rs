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
    /// Those of them that carry no mark yet.
    unmarked: BTreeSet<(Listened, Place)>,
    /// Size of the loss that the notice tells of.
    pub(super) victims: usize,
    /// How many rows are DOWN with the mark now.
    pub(super) down: usize,
    /// When it began, on the wall.
    pub(super) since: Option<Timestamp>,
}

impl Mass {
    /// Notes a new DOWN and forgets those before the window.
    pub(super) fn note(&mut self, since: Listened, place: Place) {
        while let Some(oldest) = self.lost.first().copied()
            && oldest.0.plus(WINDOW) < since
        {
            self.forget(oldest);
        }
        self.lost.insert((since, place));
        self.unmarked.insert((since, place));
    }

    /// An instance that was DOWN since then is not any more.
    pub(super) fn note_return(&mut self, since: Listened, place: Place) {
        self.forget((since, place));
    }

    fn forget(&mut self, loss: (Listened, Place)) {
        self.lost.remove(&loss);
        self.unmarked.remove(&loss);
    }

    /// The instances to mark now, if so many were lost and did not come back: n ≥ 5 and
    /// 2n ≥ n + UP.
    pub(super) fn victims(&mut self, up: usize) -> Vec<Place> {
        if self.lost.len() < MIN_LOST || self.lost.len() < up {
            return Vec::new();
        }
        let unmarked = std::mem::take(&mut self.unmarked);
        unmarked.into_iter().map(|(_, place)| place).collect()
    }

    /// One of the DOWN rows with the mark is heard again or left.
    pub(super) fn ended(&mut self) {
        self.down = self.down.saturating_sub(1);
        if self.down == 0 {
            self.victims = 0;
            self.since = None;
        }
    }

    /// Whether the notice stands: while a quarter of the victims are DOWN.
    pub(super) const fn is_standing(&self) -> bool {
        0 < self.victims && self.victims <= 4 * self.down
    }
}
