//! What is said beside a row, in as many words as there is room for.

use lastbeat_proto::answer::Row;
use lastbeat_proto::{Status, explain};

use super::group::Group;

/// The note of a row, each shorter than the one before; empty for a healthy row.
pub fn of_row(row: &Row, up_ms: i64) -> Vec<String> {
    let Some(whole) = explain::note(row, up_ms) else {
        return Vec::new();
    };
    let due = explain::due_in(row, up_ms);
    let (middle, short) = match row.status {
        Status::Down => (format!("no heartbeat, GONE in {due}"), "no heartbeat"),
        _ if row.flapping => (explain::FLAPPING.to_owned(), "flapping"),
        _ => (format!("DOWN in {due}"), ""),
    };
    vec![whole, middle, short.to_owned()]
}

/// The note of a service: how much of it is not well.
pub fn of_group(group: &Group) -> Vec<String> {
    let of = group.up + group.down;
    match (group.down, group.late) {
        (0, 0) => Vec::new(),
        (0, late) => vec![format!("{late} of {of} late")],
        (down, 0) => vec![format!("{down} of {of} DOWN")],
        (down, late) => vec![
            format!("{down} of {of} DOWN, {late} late"),
            format!("{down} of {of} DOWN"),
        ],
    }
}
