//! How the last day of an instance went, a letter for each half hour.

use lastbeat_proto::Status;
use lastbeat_proto::answer::Row;
use lastbeat_proto::status::EventKind;

use super::of;
use crate::clock::Mono;
use crate::model::Model;

/// What the letters mean.
pub(super) const KEY: &str = " (= UP, v DOWN)";

/// How the last day went, oldest first: `=` UP, `v` DOWN or GONE, `.` not known.
pub(super) fn strip(model: &Model, row: &Row, now: Mono, columns: usize) -> String {
    let Some(end) = model.link.wall(now) else {
        return String::new();
    };
    let slot_us = 86_400_000_000 / i64::try_from(columns.max(1)).unwrap_or(1);
    let mut events = of(model, &row.name, Some(&row.instance)).peekable();
    let mut state = Some(row.status == Status::Up);
    let mut shown: Vec<char> = Vec::with_capacity(columns);
    for slot in 0..columns {
        let begin = end.plus_micros(-slot_us * (i64::try_from(slot).unwrap_or(0) + 1));
        let mut was_down = state == Some(false);
        let mut is_known = state.is_some();
        while let Some(event) = events.next_if(|event| begin <= event.at) {
            state = before(event.kind, state);
            was_down |= state == Some(false);
            is_known |= state.is_some();
        }
        if row.first_seen > begin && state != Some(false) && events.peek().is_none() {
            state = None;
        }
        shown.push(match (was_down, is_known) {
            (true, _) => 'v',
            (false, true) => '=',
            (false, false) => '.',
        });
    }
    let strip: String = shown.into_iter().rev().collect();
    format!("{strip}{KEY}")
}

/// Whether it was UP before an event; `None`: not registered or not known.
const fn before(kind: EventKind, after: Option<bool>) -> Option<bool> {
    match kind {
        EventKind::Down => Some(true),
        EventKind::Up | EventKind::Gone | EventKind::Back => Some(false),
        EventKind::Registered => None,
        EventKind::Changed | EventKind::Start | EventKind::Stall => after,
    }
}
