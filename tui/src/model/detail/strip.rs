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
    // How far back that is certain: to the row's own since, and behind an event to its beginning.
    let mut certain_from = row.since;
    let mut shown: Vec<char> = Vec::with_capacity(columns);
    for slot in 0..columns {
        let begin = end.plus_micros(-slot_us * (i64::try_from(slot).unwrap_or(0) + 1));
        let mut was_down = state == Some(false);
        let mut is_known = state.is_some();
        while let Some(event) = events.next_if(|event| begin <= event.at) {
            state = before(event.kind, state);
            certain_from = row.first_seen;
            was_down |= state == Some(false);
            is_known |= state.is_some();
        }
        if begin <= certain_from && events.peek().is_none() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{AT, ago, events, live, registry};
    use crate::keymap::Key;
    use crate::update::{Message, Reply, update};

    fn shown(row: &Row, model: &Model) -> String {
        strip(model, row, AT, 24).replace(KEY, "")
    }

    #[test]
    fn what_no_event_tells_is_not_known() {
        let rows = registry();
        let model = live((80, 24), rows.clone());

        // DOWN for 48 s, UP for an hour: nothing is known of before.
        assert_eq!(shown(&rows[1], &model), ".......................v");
        assert_eq!(shown(&rows[3], &model), ".......................=");
    }

    #[test]
    fn events_tell_how_it_was() {
        let rows = registry();
        let mut model = live((80, 24), rows.clone());
        update(&mut model, Message::Key(Key::Char('j')), AT);
        update(&mut model, Message::Key(Key::Enter), AT);
        let reply = Reply::Events {
            name: Some("search-indexer-3".to_owned()),
            result: Ok(events()),
        };
        update(&mut model, Message::Reply(reply), AT);

        // DOWN now, and from 34,000 s to 30,000 s ago: the tenth to the ninth hour.
        assert_eq!(shown(&rows[1], &model), "==============vv=======v");
    }

    #[test]
    fn before_its_first_registration_nothing_is_known() {
        let young = Row {
            first_seen: ago(7_000),
            since: ago(7_000),
            ..registry().remove(3)
        };

        let strip = shown(&young, &live((80, 24), vec![young.clone()]));

        assert_eq!(strip, "......................==");
    }
}
