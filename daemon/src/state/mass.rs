//! Mass loss: when many instances go DOWN together, it is rather the network than each of them,
//! and their rows are kept longer. They are shown DOWN all the same.

use std::collections::VecDeque;

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
    /// By rising time of the deadline: who, and since when.
    lost: VecDeque<(Listened, Place)>,
    /// How many of the oldest of `lost` carry the mark already.
    marked: usize,
    /// How many of `lost` are not DOWN any more.
    returned: usize,
    /// Size of the loss that the notice tells of.
    pub(super) victims: usize,
    /// How many rows are DOWN with the mark now.
    pub(super) down: usize,
    /// When it began, on the wall.
    pub(super) since: Option<Timestamp>,
}

impl Mass {
    /// Notes a new DOWN and forgets those before the window. `is_down` says whether an instance
    /// is still DOWN since then.
    pub(super) fn note(
        &mut self,
        since: Listened,
        place: Place,
        is_down: impl Fn(Listened, Place) -> bool,
    ) {
        while let Some((l, old)) = self.lost.front().copied()
            && l.plus(WINDOW) < since
        {
            self.lost.pop_front();
            self.marked = self.marked.saturating_sub(1);
            if !is_down(l, old) {
                self.returned = self.returned.saturating_sub(1);
            }
        }
        self.lost.push_back((since, place));
    }

    /// An instance that was DOWN since then is not any more.
    pub(super) fn note_return(&mut self, since: Listened) {
        if self
            .lost
            .front()
            .is_some_and(|(oldest, _)| *oldest <= since)
        {
            self.returned += 1;
        }
    }

    /// The instances to mark now, if so many were lost and did not come back: n ≥ 5 and
    /// 2n ≥ n + UP.
    pub(super) fn victims(&mut self, up: usize) -> Vec<Place> {
        let lost = self.lost.len().saturating_sub(self.returned);
        if lost < MIN_LOST || lost < up {
            return Vec::new();
        }
        let fresh = self
            .lost
            .iter()
            .skip(self.marked)
            .map(|(_, place)| *place)
            .collect();
        self.marked = self.lost.len();
        fresh
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
