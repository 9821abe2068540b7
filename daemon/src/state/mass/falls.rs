//! Who fell and when, in that order. Nearly all come in order and leave in order: a sorted queue,
//! which is searched for the others only (ADR 0019).

use std::collections::VecDeque;

use super::super::slab::Place;
use crate::clock::Listened;

/// Since when somebody is DOWN, and who.
pub(super) type Fall = (Listened, Place);

/// So many who left from the middle are kept beside as many as are there; few in tests, so that
/// these come to it.
const SPARE: usize = if cfg!(test) { 8 } else { 1_024 };

/// Falls by rising moment and place.
#[derive(Debug, Default)]
pub(super) struct Falls {
    /// The first and the last one are there; others may have left.
    queue: VecDeque<Noted>,
    /// How many are there.
    len: usize,
}

#[derive(Debug, Clone, Copy)]
struct Noted {
    fall: Fall,
    is_there: bool,
}

impl Falls {
    /// Puts one where it belongs; one that is there is there once.
    pub(super) fn insert(&mut self, fall: Fall) {
        let noted = Noted {
            fall,
            is_there: true,
        };
        if self.queue.back().is_none_or(|last| last.fall < fall) {
            self.queue.push_back(noted);
            self.len += 1;
            return;
        }
        match self.find(fall) {
            Ok(at) => {
                if let Some(noted) = self.queue.get_mut(at) {
                    self.len += usize::from(!noted.is_there);
                    noted.is_there = true;
                }
            }
            Err(at) => {
                self.queue.insert(at, noted);
                self.len += 1;
            }
        }
    }

    /// Takes one out, wherever it is.
    pub(super) fn remove(&mut self, fall: Fall) {
        if self.first() == Some(fall) {
            self.pop_first();
            return;
        }
        let Ok(at) = self.find(fall) else {
            return;
        };
        if let Some(noted) = self.queue.get_mut(at)
            && std::mem::take(&mut noted.is_there)
        {
            self.len -= 1;
        }
        self.forget_left();
    }

    /// The first one.
    pub(super) fn first(&self) -> Option<Fall> {
        self.queue.front().map(|noted| noted.fall)
    }

    /// Takes it out.
    pub(super) fn pop_first(&mut self) -> Option<Fall> {
        let first = self.queue.pop_front()?;
        self.len -= 1;
        self.forget_left();
        Some(first.fall)
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn find(&self, fall: Fall) -> Result<usize, usize> {
        self.queue.binary_search_by_key(&fall, |noted| noted.fall)
    }

    /// The first and the last one are there again; who left from the middle goes when they are
    /// most. Who falls and is heard again at once was the last: kept, each fall behind it would be
    /// put before it.
    fn forget_left(&mut self) {
        while self.queue.front().is_some_and(|first| !first.is_there) {
            self.queue.pop_front();
        }
        while self.queue.back().is_some_and(|last| !last.is_there) {
            self.queue.pop_back();
        }
        if 2 * self.len + SPARE < self.queue.len() {
            self.queue.retain(|noted| noted.is_there);
        }
        if 4 * (self.queue.len() + SPARE) < self.queue.capacity() {
            self.queue.shrink_to(2 * self.queue.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Insert(Fall),
        Remove(Fall),
        Pop,
    }

    fn fall() -> impl Strategy<Value = Fall> {
        (0..8_i64, 0..400_u32).prop_map(|(second, slot)| {
            let place = Place {
                slot,
                generation: 0,
            };
            (Listened::from_micros(second), place)
        })
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => fall().prop_map(Step::Insert),
            2 => fall().prop_map(Step::Remove),
            1 => Just(Step::Pop),
        ]
    }

    proptest! {
        #[test]
        fn it_holds_what_an_ordered_set_holds(steps in prop::collection::vec(step(), 0..400)) {
            let (mut falls, mut set) = (Falls::default(), BTreeSet::new());
            for step in steps {
                match step {
                    Step::Insert(fall) => {
                        falls.insert(fall);
                        set.insert(fall);
                    }
                    Step::Remove(fall) => {
                        falls.remove(fall);
                        set.remove(&fall);
                    }
                    Step::Pop => prop_assert_eq!(falls.pop_first(), set.pop_first()),
                }
                prop_assert_eq!(falls.first(), set.first().copied());
                prop_assert_eq!(falls.len(), set.len());
            }
            let left: Vec<Fall> = std::iter::from_fn(|| falls.pop_first()).collect();
            prop_assert!(left.into_iter().eq(set));
        }
    }

    fn at(slot: u32) -> Fall {
        let place = Place {
            slot,
            generation: 0,
        };
        (Listened::from_micros(i64::from(slot)), place)
    }

    #[test]
    fn who_left_from_the_middle_takes_no_room_for_long() {
        let mut falls = Falls::default();
        for slot in 0..10_000 {
            falls.insert(at(slot));
        }
        for slot in 1..9_999 {
            falls.remove(at(slot));
        }

        assert_eq!((falls.first(), falls.len()), (Some(at(0)), 2));
        let (kept, room) = (falls.queue.len(), falls.queue.capacity());
        assert!(kept <= 2 * 2 + SPARE, "{kept}");
        assert!(room <= 4 * (kept + SPARE), "{room}");
    }

    #[test]
    fn who_falls_and_is_heard_again_before_the_others_fell_leaves_nothing_behind() {
        let mut falls = Falls::default();
        for slot in 0..100 {
            falls.insert(at(slot));
            falls.insert(at(10_000 - slot));
            falls.remove(at(10_000 - slot));
        }

        assert_eq!((falls.queue.len(), falls.len()), (100, 100));
    }
}
