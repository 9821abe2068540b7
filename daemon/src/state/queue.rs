//! The deadline queue: one live entry per row, which a heartbeat does not touch.
//!
//! A row remembers the deadline of its live entry. An entry that comes up too early is put back
//! at the row's real deadline; one that was superseded is dropped when it comes up.
//!
//! Only the nearest entries stand in a heap: the lower part of one of 100,000 is out of the
//! processor's cache in a storm (ADR 0019). The others wait in buckets by how far they are, and
//! come nearer a few times, many together: a radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, Faster
//! algorithms for the shortest path problem, 1990).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::slab::Place;
use crate::clock::Listened;

/// So many of a bucket go into the heap as they are: they fit into every cache.
const NEAR: usize = 256;
/// One for each bit in which a deadline may differ from another.
const BUCKETS: usize = 64;

/// Deadlines by rising listening time.
#[derive(Debug)]
pub(super) struct Queue {
    /// All up to `near_until`.
    near: BinaryHeap<Reverse<Entry>>,
    near_until: Listened,
    /// All others, by the highest bit in which their deadline differs from `near_until`: each is
    /// nearer than those of the buckets behind its own.
    far: [Bucket; BUCKETS],
    len: usize,
}

/// Entries in no order.
#[derive(Debug, Default)]
struct Bucket {
    entries: Vec<Entry>,
    first: Option<Entry>,
}

/// When to look at a row again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// The last moment at which nothing is due.
    pub(super) deadline: Listened,
    /// Which row.
    pub(super) place: Place,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            near: BinaryHeap::new(),
            near_until: Listened::default(),
            far: std::array::from_fn(|_| Bucket::default()),
            len: 0,
        }
    }
}

impl Queue {
    pub(super) fn push(&mut self, entry: Entry) {
        self.len += 1;
        self.put(entry);
    }

    /// How many entries there are, superseded ones included.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Drops the entries that are superseded.
    pub(super) fn retain(&mut self, is_live: impl Fn(Entry) -> bool) {
        self.near.retain(|Reverse(entry)| is_live(*entry));
        self.len = self.near.len();
        for bucket in &mut self.far {
            bucket.entries.retain(|entry| is_live(*entry));
            bucket.first = bucket.entries.iter().min().copied();
            self.len += bucket.entries.len();
        }
    }

    /// The nearest deadline.
    pub(super) fn nearest(&self) -> Option<Listened> {
        self.first().map(|entry| entry.deadline)
    }

    /// The nearest entry if its deadline has passed at `l`.
    pub(super) fn next_due(&self, l: Listened) -> Option<Entry> {
        self.first().filter(|entry| entry.deadline < l)
    }

    /// Takes it.
    pub(super) fn pop_due(&mut self, l: Listened) -> Option<Entry> {
        self.next_due(l)?;
        if self.near.is_empty() {
            self.come_nearer(l);
        }
        let Reverse(entry) = self.near.pop()?;
        self.len -= 1;
        Some(entry)
    }

    fn first(&self) -> Option<Entry> {
        match self.near.peek() {
            Some(Reverse(entry)) => Some(*entry),
            None => self.far.iter().find_map(|bucket| bucket.first),
        }
    }

    fn put(&mut self, entry: Entry) {
        if entry.deadline <= self.near_until {
            self.near.push(Reverse(entry));
            return;
        }
        let difference = entry.deadline.as_micros() ^ self.near_until.as_micros();
        if let Some(bucket) = self.far.get_mut(difference.unsigned_abs().ilog2() as usize) {
            bucket.first = Some(bucket.first.map_or(entry, |first| first.min(entry)));
            bucket.entries.push(entry);
        }
    }

    /// The first bucket's entries go where they belong as seen from the first of them, or, if they
    /// are few, from the last that is due.
    fn come_nearer(&mut self, l: Listened) {
        let bucket = self.far.iter_mut().find(|bucket| bucket.first.is_some());
        let Some(Bucket { entries, first }) = bucket.map(std::mem::take) else {
            return;
        };
        let deadlines = || entries.iter().map(|entry| entry.deadline);
        let first = first.map(|entry| entry.deadline);
        let seen_from = if entries.len() <= NEAR {
            first.max(deadlines().filter(|deadline| *deadline <= l).max())
        } else {
            first
        };
        self.near_until = seen_from.unwrap_or(self.near_until);
        for entry in entries {
            self.put(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(deadline_us: i64, slot: u32) -> Entry {
        Entry {
            deadline: Listened::from_micros(deadline_us),
            place: Place {
                slot,
                generation: 0,
            },
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// Pushes so many, so far behind the clock and from each other, in microseconds.
        Push { count: u32, at: i64, apart: i64 },
        /// The clock goes on, and so many are taken.
        Pass { us: i64, most: usize },
        /// Those of every other slot are superseded.
        Retain,
    }

    fn step() -> impl Strategy<Value = Step> {
        let push = (
            1_u32..600,
            -1_000_i64..100_000_000,
            prop_oneof![Just(0), Just(1), 0..100_000_i64],
        );
        prop_oneof![
            4 => push.prop_map(|(count, at, apart)| Step::Push { count, at, apart }),
            6 => (0..20_000_000_i64, 0..900_usize).prop_map(|(us, most)| Step::Pass { us, most }),
            1 => Just(Step::Retain),
        ]
    }

    proptest! {
        #[test]
        fn its_order_is_that_of_a_heap(steps in prop::collection::vec(step(), 0..40)) {
            let (mut queue, mut heap) = (Queue::default(), BinaryHeap::new());
            let (mut now, mut slot) = (0, 0);
            for step in steps {
                match step {
                    Step::Push { count, at, apart } => {
                        for number in 0..count {
                            slot += 1;
                            // From the last to the first, so that they do not come in order.
                            let entry = entry(now + at + i64::from(count - number) * apart, slot);
                            queue.push(entry);
                            heap.push(Reverse(entry));
                        }
                    }
                    Step::Pass { us, most } => {
                        now += us;
                        let l = Listened::from_micros(now);
                        for _ in 0..most {
                            let is_due = |first: &Reverse<Entry>| first.0.deadline < l;
                            let expected = heap.peek().copied().filter(is_due);
                            if expected.is_some() {
                                heap.pop();
                            }
                            prop_assert_eq!(queue.next_due(l), expected.map(|first| first.0));
                            prop_assert_eq!(queue.pop_due(l), expected.map(|first| first.0));
                        }
                    }
                    Step::Retain => {
                        queue.retain(|entry| entry.place.slot % 2 == 0);
                        heap.retain(|Reverse(entry)| entry.place.slot % 2 == 0);
                    }
                }
                prop_assert_eq!(queue.len(), heap.len());
                prop_assert_eq!(queue.nearest(), heap.peek().map(|first| first.0.deadline));
            }
        }
    }

    #[test]
    fn what_is_far_does_not_come_into_the_heap_with_what_is_near() {
        let mut queue = Queue::default();
        // Both differ from zero in the same bit first.
        let (near, far) = (1 << 40, (1 << 40) + (1 << 39));
        for (number, us) in [near, near + 1, far].into_iter().enumerate() {
            queue.push(entry(us, u32::try_from(number).unwrap()));
        }

        assert!(queue.pop_due(Listened::from_micros(near + 5)).is_some());
        assert_eq!((queue.near.len(), queue.len()), (1, 2));
        assert!(queue.near_until < Listened::from_micros(far));
    }

    #[test]
    fn the_farthest_deadline_has_a_bucket_and_one_before_the_first_has_its_turn() {
        let mut queue = Queue::default();
        for us in [i64::MAX - 1, -5, 0, 1] {
            queue.push(entry(us, 1));
        }

        let l = Listened::from_micros(i64::MAX);
        let taken: Vec<Entry> = std::iter::from_fn(|| queue.pop_due(l)).collect();
        assert_eq!(taken, [-5, 0, 1, i64::MAX - 1].map(|us| entry(us, 1)));
    }
}
