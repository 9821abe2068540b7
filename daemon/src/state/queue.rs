//! The deadline queue: one live entry per row, which a heartbeat does not touch.
//!
//! A row remembers the deadline of its live entry. An entry that comes up too early is put back
//! at the row's real deadline; one that was superseded is dropped when it comes up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::slab::Place;
use crate::clock::Listened;

/// Deadlines by rising listening time.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
}

/// When to look at a row again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// The last moment at which nothing is due.
    pub(super) deadline: Listened,
    /// Which row.
    pub(super) place: Place,
}

impl Queue {
    /// A queue with room for so many entries.
    pub(super) fn with_room_for(entries: usize) -> Self {
        Self {
            heap: BinaryHeap::with_capacity(entries),
        }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.heap.push(Reverse(entry));
    }

    /// How many entries there are, superseded ones included.
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Drops the entries that are superseded.
    pub(super) fn retain(&mut self, is_live: impl Fn(Entry) -> bool) {
        self.heap.retain(|Reverse(entry)| is_live(*entry));
    }

    /// The nearest deadline.
    pub(super) fn nearest(&self) -> Option<Listened> {
        self.heap.peek().map(|Reverse(entry)| entry.deadline)
    }

    /// The nearest entry if its deadline has passed at `l`.
    pub(super) fn next_due(&self, l: Listened) -> Option<Entry> {
        let Reverse(entry) = self.heap.peek()?;
        (entry.deadline < l).then_some(*entry)
    }

    /// Takes it.
    pub(super) fn pop_due(&mut self, l: Listened) -> Option<Entry> {
        self.next_due(l)?;
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}
