//! Events as lines of the log: each of a few, and the rest of a storm counted in one.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use lastbeat_proto::EventKind;
use tracing::info;

use crate::clock::Mono;
use crate::state::record::EventRecord;

/// Events of one command, or of one sweep, that get a line each.
const MAX_LINES: usize = 20;
/// Events of all commands in a second that get one: as many as journald takes for half a minute
/// (`RateLimitBurst`, journald.conf(5)). A fleet that registers at once would write 5 MB a second.
const MAX_LINES_OF_A_SECOND: i64 = 300;
const SECOND_US: i64 = 1_000_000;

/// The lines of one command or sweep.
#[derive(Debug)]
pub(super) struct Lines {
    left: usize,
    said: i64,
    not_said: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self::at_most(MAX_LINES)
    }
}

impl Lines {
    const fn at_most(left: usize) -> Self {
        Self {
            left,
            said: 0,
            not_said: 0,
        }
    }

    /// How many more events may have one.
    pub(super) const fn left(&self) -> usize {
        self.left
    }

    /// Says these events, of `recorded` ones.
    pub(super) fn add(&mut self, newest_first: &[EventRecord], recorded: u64) {
        newest_first.iter().rev().for_each(say);
        self.left = self.left.saturating_sub(newest_first.len());
        self.said += i64::try_from(newest_first.len()).unwrap_or(i64::MAX);
        self.not_said += recorded.saturating_sub(newest_first.len() as u64);
    }

    /// Counts those that had no line.
    pub(super) fn end(self) {
        say_how_many(self.not_said);
    }
}

/// The lines of all commands in a second. Commands only count here; the sweep begins the next one.
#[derive(Debug)]
pub(super) struct OfASecond {
    /// Steady time in microseconds at which the next one begins.
    ends_us: AtomicI64,
    /// Below zero where commands at the same moment took the last ones.
    left: AtomicI64,
    not_said: AtomicU64,
}

impl Default for OfASecond {
    fn default() -> Self {
        Self {
            ends_us: AtomicI64::default(),
            left: AtomicI64::new(MAX_LINES_OF_A_SECOND),
            not_said: AtomicU64::default(),
        }
    }
}

impl OfASecond {
    /// The lines that one command may say.
    pub(super) fn of_a_command(&self) -> Lines {
        let left = usize::try_from(self.left.load(Ordering::Relaxed)).unwrap_or(0);
        Lines::at_most(left.min(MAX_LINES))
    }

    /// What a command said, and what it did not.
    pub(super) fn note(&self, lines: &Lines) {
        if 0 < lines.said {
            self.left.fetch_sub(lines.said, Ordering::Relaxed);
        }
        if 0 < lines.not_said {
            self.not_said.fetch_add(lines.not_said, Ordering::Relaxed);
        }
    }

    /// Counts those that had no line in a second that is over, and begins the next one.
    pub(super) fn begin_next(&self, now: Mono) {
        let now_us = now.as_micros();
        if self.ends_us.load(Ordering::Relaxed) <= now_us {
            self.ends_us.store(now_us + SECOND_US, Ordering::Relaxed);
            self.left.store(MAX_LINES_OF_A_SECOND, Ordering::Relaxed);
            self.end();
        }
    }

    /// Counts those that had no line until now.
    pub(super) fn end(&self) {
        say_how_many(self.not_said.swap(0, Ordering::Relaxed));
    }
}

fn say_how_many(more: u64) {
    if 0 < more {
        info!(
            event.count = more,
            "and {more} more events in the same moment; see GET /events"
        );
    }
}

/// One line an event.
fn say(event: &EventRecord) {
    let reason = event.reason.as_deref().unwrap_or_default();
    let Some(subject) = &event.subject else {
        info!(event.kind = event.kind.word(), "{reason}");
        return;
    };
    let (name, instance) = (&subject.name, &subject.instance);
    let became = match event.kind {
        EventKind::Down => "DOWN",
        EventKind::Gone => "GONE",
        EventKind::Up => "UP again",
        EventKind::Back => "back",
        EventKind::Registered => "registered",
        _ => "changed",
    };
    info!(
        event.kind = event.kind.word(),
        service.name = %name,
        service.instance = %instance,
        "service {name} ({instance}) is {became}: {reason}"
    );
}

#[cfg(test)]
mod tests {
    use lastbeat_proto::Timestamp;

    use super::*;
    use crate::clock::Listened;

    #[test]
    fn commands_share_the_lines_of_a_second_and_the_next_has_new_ones() {
        let event = EventRecord {
            revision: 1,
            at: Timestamp::from_micros(0),
            l: Listened::from_micros(0),
            kind: EventKind::Start,
            subject: None,
            reason: None,
        };
        let lines = OfASecond::default();
        let command = || {
            let mut of_one = lines.of_a_command();
            let said = of_one.left().min(1);
            of_one.add(&[event.clone()][..said], 1);
            lines.note(&of_one);
            i64::try_from(said).unwrap()
        };
        let second = |count: i64| (0..count).map(|_| command()).sum::<i64>();

        lines.begin_next(Mono::from_micros(5));
        assert_eq!(second(MAX_LINES_OF_A_SECOND + 7), MAX_LINES_OF_A_SECOND);
        assert_eq!(lines.not_said.load(Ordering::Relaxed), 7);

        lines.begin_next(Mono::from_micros(4 + SECOND_US));
        assert_eq!(second(1), 0, "the second is not over");
        lines.begin_next(Mono::from_micros(5 + SECOND_US));
        assert_eq!(
            lines.not_said.load(Ordering::Relaxed),
            0,
            "they were counted"
        );
        assert_eq!(second(1), 1);
    }
}
