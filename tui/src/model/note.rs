//! What is said beside a row, in as many words as there is room for.

use lastbeat_proto::answer::Row;
use lastbeat_proto::{Status, explain};

use super::group::Group;

/// The note of a row, each shorter than the one before; empty for a healthy row.
pub fn of_row(row: &Row, up_ms: i64) -> Vec<String> {
    let Some(whole) = sentence(row, up_ms) else {
        return Vec::new();
    };
    let due = explain::due_in(&in_seconds(row, up_ms), up_s(up_ms));
    let (middle, short) = match row.status {
        Status::Down => (format!("no heartbeat, GONE in {due}"), "no heartbeat"),
        _ if row.flapping => (explain::FLAPPING.to_owned(), "flapping"),
        // After a restart all rows have it: nothing is wrong yet, so no time is counted down.
        Status::Up if !row.confirmed && !row.late => {
            ("not heard since the restart".to_owned(), "not heard yet")
        }
        _ => (format!("DOWN in {due}"), ""),
    };
    vec![whole, middle, short.to_owned()]
}

/// The whole note of a row, in whole seconds.
pub fn sentence(row: &Row, up_ms: i64) -> Option<String> {
    explain::note(&in_seconds(row, up_ms), up_s(up_ms))
}

/// The moment of looking in whole seconds, for a row [`in_seconds`].
pub const fn up_s(up_ms: i64) -> i64 {
    up_ms.div_euclid(1_000) * 1_000
}

/// The row with its times moved by less than a second, so that on the screen no part of one
/// stands: silences are begun seconds less, what is left is begun seconds whole.
pub fn in_seconds(row: &Row, up_ms: i64) -> Row {
    let now = up_s(up_ms);
    let silent = up_ms.saturating_sub(row.heard_ms).div_euclid(1_000);
    let left = -row
        .due_ms
        .saturating_sub(up_ms)
        .saturating_neg()
        .div_euclid(1_000);
    Row {
        heard_ms: now.saturating_sub(silent.saturating_mul(1_000)),
        due_ms: now.saturating_add(left.saturating_mul(1_000)),
        ..row.clone()
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{UP_MS, row};

    #[test]
    fn no_part_of_a_second_is_told() {
        let late = Row {
            late: true,
            due_ms: UP_MS + 885,
            heard_ms: UP_MS - 59_115,
            ..row("a", Status::Up, 59)
        };

        assert_eq!(
            of_row(&late, UP_MS)[..2],
            ["no heartbeat for 59s; DOWN in 1s", "DOWN in 1s"]
        );
        for up_ms in [UP_MS + 885, UP_MS + 886, UP_MS + 2_000] {
            assert_eq!(of_row(&late, up_ms)[1], "DOWN in 0s", "{up_ms}");
        }
        assert_eq!(of_row(&late, UP_MS - 115)[1], "DOWN in 1s");
        assert_eq!(of_row(&late, UP_MS - 116)[1], "DOWN in 2s");
    }

    #[test]
    fn what_was_not_heard_since_a_restart_is_not_counted_down() {
        let unheard = Row {
            confirmed: false,
            ..row("a", Status::Up, 1)
        };

        assert_eq!(
            of_row(&unheard, UP_MS)[1..],
            ["not heard since the restart", "not heard yet"]
        );
    }
}
