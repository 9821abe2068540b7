//! What happened: the newest events in memory, and those that are not written yet.

use std::collections::VecDeque;

use lastbeat_proto::answer::Event;
use lastbeat_proto::status::EVENT_KINDS;
use lastbeat_proto::{EventKind, Timestamp};

use super::State;
use super::dirty::{EVENTS_CHUNK, MAX_WAITING_EVENTS};
use super::record::EventRecord;
use super::view::shown;
use crate::clock::Moment;

/// Events that are kept in memory; older ones are read from the store.
pub(super) const MAX_EVENTS: usize = 1_000;

/// The newest events and what of them waits to be written.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Without a gap, oldest first: the newest [`MAX_EVENTS`], and whatever else is not written.
    events: VecDeque<EventRecord>,
    /// So many of them, the newest ones, wait to be written.
    unwritten: usize,
    revision: u64,
    /// Events that were given up because the store could not write for too long.
    given_up: u64,
    /// Since when: the moment of the first of them.
    given_up_since: Option<Timestamp>,
    /// Events of this run, in the order of [`EVENT_KINDS`].
    counted: [u64; EVENT_KINDS.len()],
}

impl Journal {
    pub(super) fn load(events: Vec<EventRecord>, revision: u64) -> Self {
        Self {
            events: events.into(),
            unwritten: 0,
            revision,
            given_up: 0,
            given_up_since: None,
            counted: [0; EVENT_KINDS.len()],
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

    /// How many events of each kind there were in this run.
    pub(super) fn counted(&self) -> Vec<(EventKind, u64)> {
        EVENT_KINDS.into_iter().zip(self.counted).collect()
    }

    /// Records an event under the next revision.
    pub(super) fn record(&mut self, mut event: EventRecord) {
        self.revision += 1;
        event.revision = self.revision;
        let kinds = EVENT_KINDS.into_iter().zip(&mut self.counted);
        for (kind, count) in kinds {
            *count += u64::from(kind == event.kind);
        }
        if MAX_WAITING_EVENTS <= self.unwritten {
            let lost = self.events.get(self.events.len() - self.unwritten);
            self.given_up += 1;
            self.given_up_since = self.given_up_since.or(lost.map(|event| event.at));
            self.unwritten -= 1;
        }
        self.events.push_back(event);
        self.unwritten += 1;
        self.forget_old();
    }

    fn forget_old(&mut self) {
        while self.unwritten.max(MAX_EVENTS) < self.events.len() {
            self.events.pop_front();
        }
    }

    /// The events in memory without a gap, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &EventRecord> {
        self.events.iter().rev()
    }

    /// Those of them with a revision below `before`, newest first; found by search, not by looking at
    /// each.
    pub(super) fn newest_before(&self, before: u64) -> impl Iterator<Item = &EventRecord> {
        let end = self.events.partition_point(|event| event.revision < before);
        self.events.range(..end).rev()
    }

    /// Revision of the oldest of them; older ones are in the store only.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.events.front().map(|event| event.revision)
    }

    pub(super) fn unwritten(&self, count: usize) -> Vec<EventRecord> {
        let first = self.events.len() - self.unwritten;
        let events = self.events.range(first..);
        events.take(count).cloned().collect()
    }

    pub(super) fn unwritten_count(&self) -> usize {
        self.unwritten
    }

    /// The newest events, at most [`MAX_EVENTS`], whether they are written or not, oldest first.
    pub(super) fn newest(&self) -> Vec<EventRecord> {
        let first = self.events.len().saturating_sub(MAX_EVENTS);
        self.events.range(first..).cloned().collect()
    }

    /// Events up to `revision` are written.
    pub(super) fn written(&mut self, revision: u64) {
        let end = { &self.events }.partition_point(|event| event.revision <= revision);
        self.unwritten = self.unwritten.min(self.events.len() - end);
        self.forget_old();
    }
}

impl State {
    /// An event as it is shown.
    pub fn event(&self, record: &EventRecord, now: Moment) -> Event {
        let subject = record.subject.as_ref();
        Event {
            revision: record.revision,
            at: shown(record.at, record.l, self.listening.l(), now),
            kind: record.kind,
            id: subject.map(|subject| subject.id),
            name: subject.map(|subject| subject.name.to_string()),
            instance: subject.map(|subject| subject.instance.to_string()),
            reason: record.reason.clone(),
        }
    }

    /// At most `count` events in memory with a revision below `before`, newest first, of one name
    /// or of all; and where there may be more, the revision below which the search has to go on. It
    /// ends early when it has looked at so many that others want the lock: what waits for a disk in
    /// trouble is long.
    pub fn recorded(
        &self,
        name: Option<&str>,
        before: u64,
        count: usize,
    ) -> (Vec<EventRecord>, Option<u64>) {
        let most = count.max(EVENTS_CHUNK);
        let mut looked_at = None;
        let mut events = Vec::new();
        let mut left = self.journal.newest_before(before);
        for event in left.by_ref().take(most) {
            looked_at = Some(event.revision);
            let of = event.subject.as_ref().map(|subject| subject.name.as_str());
            if name.is_none() || name == of {
                events.push(event.clone());
            }
            if events.len() == count {
                return (events, None);
            }
        }
        let goes_on = if left.next().is_some() {
            looked_at
        } else {
            let oldest = self.journal.oldest().filter(|oldest| 1 < *oldest);
            oldest.map(|oldest| oldest.min(before))
        };
        (events, goes_on)
    }

    /// What [`recorded`](Self::recorded) finds, as it is shown.
    pub fn events(
        &self,
        name: Option<&str>,
        before: u64,
        count: usize,
        now: Moment,
    ) -> (Vec<Event>, Option<u64>) {
        let (events, goes_on) = self.recorded(name, before, count);
        let shown = events.iter().map(|event| self.event(event, now));
        (shown.collect(), goes_on)
    }

    /// Number of the last event.
    pub fn revision(&self) -> u64 {
        self.journal.revision()
    }

    /// The events behind `revision` as they were recorded, newest first, at most `count`.
    pub fn recorded_since(&self, revision: u64, count: usize) -> Vec<EventRecord> {
        let is_new = |event: &&EventRecord| revision < event.revision;
        self.journal
            .newest_first()
            .take_while(is_new)
            .take(count)
            .cloned()
            .collect()
    }

    /// Revision of the oldest event in memory: older ones are in the store only.
    pub fn oldest_event(&self) -> u64 {
        self.journal
            .oldest()
            .unwrap_or_else(|| self.journal.revision() + 1)
    }
}
