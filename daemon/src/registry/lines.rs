//! Events as lines of the log: each of a few, and the rest of a storm counted in one.

use lastbeat_proto::EventKind;
use tracing::info;

use crate::state::record::EventRecord;

/// Events of one command, or of one sweep, that get a line each.
const MAX_LINES: usize = 20;

/// The lines of one command or sweep.
#[derive(Debug)]
pub(super) struct Lines {
    left: usize,
    not_said: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            left: MAX_LINES,
            not_said: 0,
        }
    }
}

impl Lines {
    /// How many more events may have one.
    pub(super) const fn left(&self) -> usize {
        self.left
    }

    /// Says these events, of `recorded` ones.
    pub(super) fn add(&mut self, newest_first: &[EventRecord], recorded: u64) {
        newest_first.iter().rev().for_each(say);
        self.left = self.left.saturating_sub(newest_first.len());
        self.not_said += recorded.saturating_sub(newest_first.len() as u64);
    }

    /// Counts those that had no line.
    pub(super) fn end(self) {
        let more = self.not_said;
        if 0 < more {
            info!(
                event.count = more,
                "and {more} more events in the same moment; see GET /events"
            );
        }
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
