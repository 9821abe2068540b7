//! What changed since a reader looked last (ADR 0005).

use std::sync::Arc;

use super::State;
use super::slab::{Detail, Place};

/// Where a delta reader stands: a run of the daemon and a change number in it. Opaque on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    run: String,
    change: u64,
}

impl Cursor {
    /// Reads what [`text`](Self::text) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (run, change) = text.rsplit_once('.')?;
        let change = u64::from_str_radix(change, 16).ok()?;
        Some(Self {
            run: run.to_owned(),
            change,
        })
    }

    /// The text on the wire.
    pub fn text(&self) -> String {
        format!("{}.{:x}", self.run, self.change)
    }
}

impl State {
    /// Where a reader stands who has seen everything up to now.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            run: self.run.clone(),
            change: self.change,
        }
    }

    /// Whether a delta from here on can be told; else the reader starts over.
    pub fn can_tell_since(&self, cursor: &Cursor) -> bool {
        cursor.run == self.run && self.floor <= cursor.change && cursor.change <= self.change
    }

    /// Whether something happened since that a waiting reader wants to know.
    pub fn wakes(&self, cursor: &Cursor) -> bool {
        !self.can_tell_since(cursor) || cursor.change < self.waking_change
    }

    /// Number of the last change that wakes readers.
    pub fn waking_change(&self) -> u64 {
        self.waking_change
    }

    /// Registered rows that changed since, and rows that left since; never one in both. Of a row
    /// that left everything is kept that tells who it was, as its place may be another's soon.
    pub fn changed_since(&self, cursor: &Cursor) -> (Vec<Place>, Vec<Arc<Detail>>) {
        let mut rows = Vec::new();
        let mut removed = Vec::new();
        for place in self.slab.changed_since(cursor.change) {
            match self.slab.get(place) {
                Some(hot) if hot.life.is_registered() => rows.push(place),
                Some(hot) => removed.push(Arc::clone(&hot.detail)),
                None => {}
            }
        }
        (rows, removed)
    }
}
