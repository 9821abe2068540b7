//! The mouse, where it is wanted: the wheel moves, a press selects, a second one opens.

use super::actions::open;
use super::{Effect, layout, listed, moving};
use crate::keymap::Pointer;
use crate::model::{Model, Pane};

/// Lines of one turn of the wheel.
const WHEEL: usize = 3;

/// Takes a use of the mouse in. Popups are answered by keys alone.
pub(super) fn used(model: &mut Model, pointer: Pointer, effects: &mut Vec<Effect>) {
    moving::see(model);
    if model.popup.is_some() {
        return;
    }
    match pointer {
        Pointer::WheelUp => moving::by(model, |line| line.saturating_sub(WHEEL), effects),
        Pointer::WheelDown => moving::by(model, |line| line + WHEEL, effects),
        Pointer::Press(column, line) => {
            let Some(line) = line_at(model, column, line) else {
                return;
            };
            if line == model.cursor.line {
                open(model, effects);
            } else {
                moving::select(model, line, effects);
            }
        }
    }
}

/// The line that is drawn at a place of the screen, where one is.
fn line_at(model: &Model, column: u16, at: u16) -> Option<usize> {
    let lines = layout(model);
    let has_table = match model.pane {
        Pane::Table => true,
        Pane::Detail(_) => column < model.size.0 / 2 && model.size.0 >= crate::model::layout::WIDE,
        Pane::Events(_) => false,
    };
    if !has_table {
        return None;
    }
    let body = lines.header + lines.counts + lines.notices + lines.heading;
    let listed = listed(model, lines);
    if let Some(row) = at.checked_sub(body).filter(|row| *row < lines.body) {
        let line = model.cursor.top + usize::from(row);
        return (line < listed).then_some(line);
    }
    // The region of what left has a heading.
    let row = at.checked_sub(body + lines.body + 1)?;
    let line = listed + model.cursor.gone_top + usize::from(row);
    (row + 1 < lines.gone && line < model.len()).then_some(line)
}
