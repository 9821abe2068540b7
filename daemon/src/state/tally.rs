//! What the registry counts about itself since this start, and a copy of its figures for whoever
//! watches the daemon.
//!
//! Plain numbers under the registry's lock, so a heartbeat pays one addition and every figure of
//! one copy belongs to the same moment. Their names and their text are left to `http::metrics`.

use lastbeat_proto::answer::Summary;
use lastbeat_proto::{EventKind, Span, Timestamp};

use super::State;
use crate::clock::{Moment, Mono};

/// Bounds of [`Figures::delays`], in microseconds: around the promise of 100 ms.
const DELAY_BOUNDS_US: [u64; 6] = [1_000, 10_000, 50_000, 100_000, 250_000, 1_000_000];

/// How many measured times were how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// Upper bounds in microseconds, rising; each is part of its class.
    pub bounds_us: &'static [u64],
    /// How many lie in each class; the last one is everything above the last bound.
    pub counts: Vec<u64>,
    /// All of them together.
    pub sum_us: u64,
}

impl Spread {
    /// Nothing measured yet.
    pub fn new(bounds_us: &'static [u64]) -> Self {
        Self {
            bounds_us,
            counts: vec![0; bounds_us.len() + 1],
            sum_us: 0,
        }
    }

    fn note(&mut self, time: Span) {
        let us = time.as_micros();
        let class = self.bounds_us.partition_point(|bound| *bound < us);
        if let Some(count) = self.counts.get_mut(class) {
            *count += 1;
        }
        self.sum_us = self.sum_us.saturating_add(us);
    }
}

/// The counters.
#[derive(Debug)]
pub(super) struct Tally {
    started: Timestamp,
    pub(super) heartbeats: u64,
    pub(super) deregistered: u64,
    writes: u64,
    pub(super) write_errors: u64,
    /// When the store last took something; the start of the daemon before that.
    last_write: Mono,
    delays: Spread,
    longest_delay: Span,
}

impl Tally {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            started: now.wall,
            heartbeats: 0,
            deregistered: 0,
            writes: 0,
            write_errors: 0,
            last_write: now.mono,
            delays: Spread::new(&DELAY_BOUNDS_US),
            longest_delay: Span::default(),
        }
    }

    /// A row went DOWN or GONE so long after it was due.
    pub(super) fn note_delay(&mut self, delay: Span) {
        self.delays.note(delay);
        self.longest_delay = self.longest_delay.max(delay);
    }
}

/// How the registry is, all at one moment. Counts are since this start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// How many rows are how.
    pub summary: Summary,
    /// UP rows that were not heard since the daemon was last away.
    pub unconfirmed: usize,
    /// How many instances may be registered.
    pub most_instances: usize,
    /// Heartbeats of instances that were known already.
    pub heartbeats: u64,
    /// Instances that a request took out.
    pub deregistered: u64,
    /// Events by their kind.
    pub events: Vec<(EventKind, u64)>,
    /// How long after its deadline a row became DOWN or GONE.
    pub delays: Spread,
    /// The longest of them.
    pub longest_delay: Span,
    /// Whether the last attempt to write succeeded.
    pub is_writing: bool,
    /// Transactions that the store took.
    pub writes: u64,
    /// Attempts that failed.
    pub write_errors: u64,
    /// How long ago the last transaction was.
    pub since_write: Span,
    /// Rows and events that wait to be written.
    pub waiting: usize,
    /// Events that were given up because the store could not write for too long.
    pub events_lost: u64,
    /// Listening time in the whole life of the database.
    pub listened: Span,
    /// When this daemon was started.
    pub started: Timestamp,
}

impl State {
    /// How many heartbeats this run heard.
    pub fn heartbeats(&self) -> u64 {
        self.tally.heartbeats
    }

    /// The store took a transaction.
    pub fn note_write(&mut self, now: Moment) {
        self.tally.writes += 1;
        self.tally.last_write = now.mono;
    }

    /// How the registry is now.
    pub fn figures(&self, now: Moment) -> Figures {
        let tally = &self.tally;
        let since_write_us = now.mono.micros_since(tally.last_write);
        Figures {
            summary: self.summary(),
            unconfirmed: self.counts.unconfirmed,
            most_instances: self.limits.instances,
            heartbeats: tally.heartbeats,
            deregistered: tally.deregistered,
            events: self.journal.counted(),
            delays: tally.delays.clone(),
            longest_delay: tally.longest_delay,
            is_writing: self.store_trouble().is_none(),
            writes: tally.writes,
            write_errors: tally.write_errors,
            since_write: Span::from_signed_micros(since_write_us),
            waiting: self.waiting_to_store(),
            events_lost: self.journal.given_up().map_or(0, |(count, _)| count),
            listened: Span::from_signed_micros(self.listened().as_micros()),
            started: tally.started,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_part_of_its_class() {
        let mut spread = Spread::new(&[10, 20]);

        for us in [0, 10, 11, 20, 21] {
            spread.note(Span::from_micros(us));
        }

        assert_eq!(spread.counts, [2, 2, 1]);
        assert_eq!(spread.sum_us, 62);
    }
}
