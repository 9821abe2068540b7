//! What happened: the newest events in memory, and those that are not written yet.

use std::collections::VecDeque;

use lastbeat_proto::Timestamp;

use super::dirty::MAX_WAITING_EVENTS;
use super::record::EventRecord;

/// Events that are kept in memory; older ones are read from the store.
pub(super) const MAX_EVENTS: usize = 1_000;

/// The newest events and what of them waits to be written.
#[derive(Debug, Default)]
pub(super) struct Journal {
    newest: VecDeque<EventRecord>,
    unwritten: VecDeque<EventRecord>,
    revision: u64,
    /// Events that were given up because the store could not write for too long.
    given_up: u64,
    /// Since when: the moment of the first of them.
    given_up_since: Option<Timestamp>,
}

impl Journal {
    pub(super) fn load(events: Vec<EventRecord>, revision: u64) -> Self {
        Self {
            newest: events.into(),
            unwritten: VecDeque::new(),
            revision,
            given_up: 0,
            given_up_since: None,
        }
    }

    /// Number of the last event.
    pub(super) const fn revision(&self) -> u64 {
        self.revision
    }

    /// How many events no store will ever hold, and the moment of the first; nothing where all
    /// are or will be stored.
    pub(super) fn given_up(&self) -> Option<(u64, Timestamp)> {
        self.given_up_since.map(|since| (self.given_up, since))
    }

    /// Records an event under the next revision.
    pub(super) fn record(&mut self, mut event: EventRecord) {
        self.revision += 1;
        event.revision = self.revision;
        if MAX_EVENTS <= self.newest.len() {
            self.newest.pop_front();
        }
        if MAX_WAITING_EVENTS <= self.unwritten.len() {
            let lost = self.unwritten.pop_front();
            self.given_up += 1;
            self.given_up_since = self.given_up_since.or(lost.map(|event| event.at));
        }
        self.unwritten.push_back(event.clone());
        self.newest.push_back(event);
    }

    /// The events in memory without a gap, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &EventRecord> {
        self.longest().iter().rev()
    }

    /// Revision of the oldest of them; older ones are in the store only.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.longest().front().map(|event| event.revision)
    }

    /// Both reach up to the last event. While the store cannot write, what waits for it is more.
    fn longest(&self) -> &VecDeque<EventRecord> {
        if self.newest.len() < self.unwritten.len() {
            &self.unwritten
        } else {
            &self.newest
        }
    }

    pub(super) fn unwritten(&self, count: usize) -> Vec<EventRecord> {
        self.unwritten.iter().take(count).cloned().collect()
    }

    pub(super) fn unwritten_count(&self) -> usize {
        self.unwritten.len()
    }

    /// The events in memory, whether they are written or not, oldest first.
    pub(super) fn newest(&self) -> Vec<EventRecord> {
        self.newest.iter().cloned().collect()
    }

    /// Events up to `revision` are written.
    pub(super) fn written(&mut self, revision: u64) {
        while self
            .unwritten
            .front()
            .is_some_and(|event| event.revision <= revision)
        {
            self.unwritten.pop_front();
        }
    }
}
