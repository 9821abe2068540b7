//! Everything about the selected instance.

use lastbeat_proto::answer::{Event, Row};
use lastbeat_proto::explain;
use lastbeat_proto::status::EventKind;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::{Line, frame};
use crate::clock::Mono;
use crate::model::Model;
use crate::text::{address, long_time, short_time};
use crate::theme::{Look, Mark};

/// Column of the values.
const VALUE_X: u16 = 16;
/// Most slots of the strip: half an hour each.
const STRIP: usize = 48;
/// Under this width values stand behind their labels.
const NARROW: u16 = 44;

/// Draws the detail beside the table, in a frame.
pub(super) fn draw_beside(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    let inside = frame(buffer, area, look.charset, look.quiet());
    draw(model, look, now, inside, buffer);
}

/// Draws the detail over the whole area.
pub(super) fn draw(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    let row = model
        .cursor
        .key
        .as_ref()
        .and_then(|key| model.rows.find(key));
    let Some(row) = row else {
        let mut line = Line::new(buffer, area, 0, look.charset);
        line.skip(1).word("no service is selected", look.plain());
        return;
    };
    let mark = Mark::of(row);
    let mut line = Line::new(buffer, area, 0, look.charset);
    let shape = look.shape_style(mark);
    line.word(" ", shape)
        .word(look.shape(mark), shape)
        .word(" ", shape);
    line.word(explain::state_word(row), look.word_style(mark))
        .skip(2);
    line.compose(&row.name, look.strong());
    let value_x = if area.width < NARROW { 2 } else { VALUE_X };
    let columns = usize::from(area.width.saturating_sub(value_x + 1));
    let mut facts = facts(row, model, now);
    let slots = columns.min(STRIP);
    facts.push(("last day", strip(model, row, now, slots)));
    let mut at = 1;
    for (label, value) in facts {
        let value = if area.width < NARROW {
            format!("{label}: {value}")
        } else {
            value
        };
        let label = if area.width < NARROW { "" } else { label };
        for (index, text) in look.safe(&value).wrap(columns).iter().enumerate() {
            let mut line = Line::new(buffer, area, at, look.charset);
            let label = if index == 0 { label } else { "" };
            line.skip(1)
                .word(label, look.quiet())
                .move_to(area.x + value_x);
            line.text(text, look.plain());
            at += 1;
        }
    }
    let rest = Rect {
        y: area.y.saturating_add(at + 1),
        height: area.height.saturating_sub(at + 1),
        ..area
    };
    recent(model, row, look, rest, buffer);
}

/// The facts in the order of their use.
fn facts(row: &Row, model: &Model, now: Mono) -> Vec<(&'static str, String)> {
    let up_ms = model.link.up_ms(now);
    let today = model.link.wall(now);
    let why = explain::line(row, up_ms, |time| short_time(time, today));
    let mut facts = vec![("why", why)];
    facts.extend(row.reason.clone().map(|reason| ("reason", reason)));
    facts.push(("address", address(&row.ip, row.port)));
    facts.push(("instance", row.instance.clone()));
    facts.push(("last heartbeat", long_time(row.last_heartbeat)));
    facts.push(("since", long_time(row.since)));
    facts.push(("first seen", long_time(row.first_seen)));
    facts.push(("ttl", row.ttl_s.to_string()));
    if !row.confirmed {
        facts.push((
            "unconfirmed",
            "not heard since the registry was away".to_owned(),
        ));
    }
    if !row.tags.is_empty() {
        facts.push(("tags", row.tags.join(", ")));
    }
    for (key, value) in &row.metadata {
        facts.push(("metadata", format!("{key} = {value}")));
    }
    facts.push(("id", row.id.to_string()));
    facts
}

/// Events of this instance, newest first.
fn events_of<'a>(model: &'a Model, row: &'a Row) -> impl Iterator<Item = &'a Event> {
    let is_of = model.events.of.as_ref() == Some(&row.name);
    let all = model
        .events
        .list
        .iter()
        .take(if is_of { usize::MAX } else { 0 });
    all.filter(|event| event.instance.as_ref() == Some(&row.instance))
}

/// How the last day went, oldest first: `=` UP, `v` DOWN or GONE, `.` not known.
fn strip(model: &Model, row: &Row, now: Mono, columns: usize) -> String {
    let Some(end) = model.link.wall(now) else {
        return String::new();
    };
    let slot_us = 86_400_000_000 / i64::try_from(columns.max(1)).unwrap_or(1);
    let mut events = events_of(model, row).peekable();
    let mut state = Some(row.status == lastbeat_proto::Status::Up);
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
    format!("{strip} (= UP, v DOWN)")
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

fn recent(model: &Model, row: &Row, look: Look, area: Rect, buffer: &mut Buffer) {
    Line::new(buffer, area, 0, look.charset)
        .skip(1)
        .word("recent events (e = all)", look.strong());
    if let Some(fault) = &model.events.fault {
        let said = format!("cannot read events: {fault}");
        Line::new(buffer, area, 1, look.charset)
            .skip(1)
            .compose(&said, look.plain());
        return;
    }
    for (line, event) in (1..area.height).zip(events_of(model, row)) {
        let mut line = Line::new(buffer, area, line, look.charset);
        let when = short_time(event.at, model.link.last_wall());
        line.skip(1).compose(&when, look.quiet()).skip(1);
        line.compose(event.kind.word(), look.plain());
        if let Some(reason) = &event.reason {
            line.skip(2).compose(reason, look.quiet());
        }
    }
}
