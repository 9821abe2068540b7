//! Moving: the cursor, what is scrolled, and what was seen on the way.

use lastbeat_proto::Status;

use super::{Effect, ask_events, layout, listed, say};
use crate::clock::Mono;
use crate::keymap::Action;
use crate::model::layout::{WIDE, detail_size};
use crate::model::lines::{Item, Selection};
use crate::model::{Model, Pane, Tone, detail};

/// Moves by an action, or scrolls what fills the middle of the screen.
pub(super) fn scroll(model: &mut Model, action: Action, now: Mono, effects: &mut Vec<Effect>) {
    let page = usize::from(layout(model).body).max(1);
    let is_of_detail = matches!(
        action,
        Action::HalfPageDown | Action::HalfPageUp | Action::PageDown | Action::PageUp
    );
    let moved = |line: usize| match action {
        Action::Down => line + 1,
        Action::Up => line.saturating_sub(1),
        Action::First => 0,
        Action::HalfPageDown => line + page.div_ceil(2),
        Action::HalfPageUp => line.saturating_sub(page.div_ceil(2)),
        Action::PageDown => line + page,
        Action::PageUp => line.saturating_sub(page),
        _ => usize::MAX,
    };
    match model.pane {
        Pane::Detail(top) if is_of_detail => {
            model.pane = Pane::Detail(moved(top).min(detail_end(model, now)));
        }
        _ => by(model, moved, effects),
    }
}

/// Moves the cursor, or the events where those are shown, and stops at both ends.
pub(super) fn by(model: &mut Model, moved: impl Fn(usize) -> usize, effects: &mut Vec<Effect>) {
    if let Pane::Events(top) = model.pane {
        let last = model.events.list.len().saturating_sub(1);
        model.pane = Pane::Events(moved(top).min(last));
    } else {
        let last = model.len().saturating_sub(1);
        select(model, moved(model.cursor.line).min(last), effects);
    }
}

/// How far the detail can be scrolled.
pub(super) fn detail_end(model: &Model, now: Mono) -> usize {
    let (columns, height) = detail_size(model.size, layout(model));
    detail::lines(model, columns, now)
        .len()
        .saturating_sub(usize::from(height))
}

/// Puts the cursor on a line.
pub(super) fn select(model: &mut Model, line: usize, effects: &mut Vec<Effect>) {
    let before = model.cursor.key.take();
    model.cursor.line = line;
    model.cursor.key = model.selected().map(|item| item.selection());
    if before == model.cursor.key {
        return;
    }
    if let Pane::Detail(_) = model.pane {
        model.pane = Pane::Detail(0);
        let name = |key: &Option<Selection>| key.as_ref().map(|key| key.name().to_owned());
        if name(&before) != name(&model.cursor.key) {
            ask_events(model, effects);
        }
    }
}

/// Where to look for what is DOWN.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    /// Below the cursor first.
    Forward,
    /// Above it first.
    Back,
}

/// Puts the cursor on the nearest line that is DOWN.
pub(super) fn next_down(
    model: &mut Model,
    direction: Direction,
    now: Mono,
    effects: &mut Vec<Effect>,
) {
    let len = model.table_len();
    let line = model.cursor.line.min(len);
    let is_down = |line: &usize| match model.item(*line) {
        Some(Item::Instance(row)) => row.status == Status::Down,
        Some(Item::Service(group)) => 0 < group.down,
        Some(Item::Gone(_) | Item::Left(_)) | None => false,
    };
    let found = match direction {
        Direction::Forward => (line + 1..len).chain(0..=line).find(is_down),
        Direction::Back => (0..line).rev().chain((line..len).rev()).find(is_down),
    };
    match found {
        Some(line) => select(model, line, effects),
        None => say(model, "nothing here is DOWN".to_owned(), Tone::Good, now),
    }
}

/// One line a service, or one an instance; the cursor stays on its service, of which the first
/// instance is looked for when the lines are made.
pub(super) fn by_service(model: &mut Model) {
    let is_grouped = !model.lines.is_grouped();
    match &model.cursor.key {
        Some(Selection::Instance(key)) if is_grouped => {
            model.cursor.key = Some(Selection::Service(key.name.clone()));
        }
        // Instances that left stand below their services only.
        Some(Selection::Left(key)) if !is_grouped => {
            model.cursor.key = Some(Selection::Gone(key.name.clone()));
        }
        _ => {}
    }
    model.lines.set_grouped(is_grouped);
}

/// Folds the service of the cursor, where its instances are listed; whether they were.
pub(super) fn fold(model: &mut Model) -> bool {
    let Some(name) = model.cursor.key.as_ref().map(|key| key.name().to_owned()) else {
        return false;
    };
    let has_folded = model.lines.is_grouped() && model.lines.fold(&name);
    if has_folded {
        model.cursor.key = Some(Selection::Service(name));
    }
    has_folded
}

/// Whether the list is on screen, whole or beside the detail.
pub(super) const fn has_list(model: &Model) -> bool {
    match model.pane {
        Pane::Table => true,
        Pane::Detail(_) => WIDE <= model.size.0,
        Pane::Events(_) => false,
    }
}

/// Begins to type a filter.
pub(super) fn begin_filter(model: &mut Model) {
    if let Pane::Events(_) = model.pane {
        model.pane = Pane::Table;
    }
    model.typing = Some(model.rows.filter().clone());
}

/// What is on screen was seen: its status is not new any more.
pub(super) fn see(model: &mut Model) {
    if model.cursor.is_unsettled {
        // Nothing of it was drawn since its lines changed.
        return;
    }
    let has_table = has_list(model);
    let is_covered = model.popup.is_some();
    let lines = layout(model);
    let listed = listed(model, lines);
    let (body, gone) = if has_table && !is_covered {
        (lines.body, lines.gone.saturating_sub(1))
    } else {
        (0, 0)
    };
    let top = model.cursor.top;
    let gone_top = listed + model.cursor.gone_top;
    let of_table = top..(top + usize::from(body)).min(listed);
    let below = gone_top..gone_top + usize::from(gone);
    for line in of_table.chain(below) {
        for row in model.lines.rows_on(line, &model.rows) {
            model.rows.see(row);
        }
        let group = model.lines.gone_on(line, &model.rows);
        if let Some(group) = group.and_then(|index| model.gone.get_mut(index)) {
            group.is_changed = false;
        }
    }
}
