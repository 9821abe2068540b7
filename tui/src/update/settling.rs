//! Rows, lines and cursor brought into line after messages, once before a frame.

use super::{layout, listed, moving, say};
use crate::clock::Mono;
use crate::model::layout::WIDE;
use crate::model::lines::{Selection, key_of};
use crate::model::{Model, Pane, Tone};

/// Orders the rows, makes the lines and finds the cursor again, where a message was taken in since.
pub fn settle(model: &mut Model, now: Mono) {
    if std::mem::take(&mut model.cursor.is_unsettled) {
        model.rows.order();
        keep_cursor(model, now);
    }
}

/// Finds what is selected again after lines changed, and keeps it on screen. What left hands the
/// cursor to what took its line.
fn keep_cursor(model: &mut Model, now: Mono) {
    model.keep_lines();
    let last = model.len().saturating_sub(1);
    let found = model
        .cursor
        .key
        .as_ref()
        .and_then(|selection| model.line_of(selection));
    model.cursor.line = found.unwrap_or_else(|| model.cursor.line.min(last));
    if found.is_none() {
        close_detail(model, now);
    }
    let is_of_rows = !model.lines.is_grouped();
    let is_of_service = matches!(model.cursor.key, Some(Selection::Service(_)));
    if found.is_none() || (is_of_rows && is_of_service) {
        model.cursor.key = model.selected().map(|item| item.selection());
    }
    let (lines, line) = (layout(model), model.cursor.line);
    let listed = listed(model, lines);
    let of_table = (line < listed).then_some(line);
    model.cursor.top = window(model.cursor.top, of_table, lines.body, listed);
    let of_gone = line.checked_sub(listed);
    let (room, gone) = (lines.gone.saturating_sub(1), model.lines.gone_len());
    model.cursor.gone_top = window(model.cursor.gone_top, of_gone, room, gone);
    if let Pane::Detail(top @ 1..) = model.pane {
        model.pane = Pane::Detail(top.min(moving::detail_end(model, now)));
    }
}

/// Leads back to the list from a detail whose subject left, or is not listed any more while the
/// detail fills the screen: another service's detail in its place would be taken for it.
fn close_detail(model: &mut Model, now: Mono) {
    let (Pane::Detail(_), Some(key)) = (model.pane, &model.cursor.key) else {
        return;
    };
    let name = key.name().to_owned();
    let has_left = match key {
        Selection::Instance(key) => model.rows.find(key).is_none(),
        Selection::Service(name) => model.rows.of_service(name).next().is_none(),
        Selection::Left(key) => {
            let mut left = model.gone.iter().flat_map(|group| &group.tombstones);
            !left.any(|tombstone| key_of(tombstone) == *key)
        }
        Selection::Gone(name) => !model.gone.iter().any(|group| group.name == *name),
    };
    if has_left {
        say(model, format!("{name} left this list"), Tone::Good, now);
    }
    if has_left || model.size.0 < WIDE {
        model.pane = Pane::Table;
    }
}

/// The first line of a window of `height` over `len` lines, moved as little as shows `line`.
fn window(top: usize, line: Option<usize>, height: u16, len: usize) -> usize {
    let height = usize::from(height).max(1);
    let top = top.min(len.saturating_sub(height));
    match line {
        Some(line) => top.min(line).max((line + 1).saturating_sub(height)),
        None => top,
    }
}
