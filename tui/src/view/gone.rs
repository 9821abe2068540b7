//! What left the registry, under its own heading: one line a service, with why and when.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::Line;
use crate::clock::Mono;
use crate::model::Model;
use crate::model::gone::GoneGroup;
use crate::model::lines::Item;
use crate::text::short_time;
use crate::theme::{Look, Mark};

use super::columns::{Columns, STATE, STATE_X};

/// Draws the heading and as many groups as there is room for.
pub(super) fn draw(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let room = usize::from(area.height) - 1;
    let top = model.cursor.gone_top;
    let hidden = model.lines.gone_len().saturating_sub(room);
    let mut heading = Line::new(buffer, area, 0, look.charset);
    heading.skip(3).word("GONE", look.heading());
    if 0 < hidden {
        let said = format!("  and {hidden} more; G goes to the last");
        heading.compose(&said, look.quiet());
    }
    let first = model.table_len() + top;
    for (at, line) in (1..area.height).zip(first..) {
        let Some(Item::Gone(group)) = model.item(line) else {
            return;
        };
        let is_selected = line == model.cursor.line;
        let mut on = Line::new(buffer, area, at, look.charset);
        on.flag(is_selected, ">", look.strong());
        on.flag(group.is_changed, "*", look.strong());
        one_group(group, model, look, now, &mut on, area);
        if is_selected {
            let area_of_line = Rect {
                y: area.y + at,
                height: 1,
                ..area
            };
            buffer.set_style(area_of_line, look.selected());
        }
    }
}

fn one_group(
    group: &GoneGroup,
    model: &Model,
    look: Look,
    now: Mono,
    line: &mut Line<'_>,
    area: Rect,
) {
    line.skip(1)
        .word(look.shape(Mark::Gone), look.plain())
        .skip(1)
        .word("GONE", look.plain());
    let x = area.x + STATE_X + STATE;
    let columns = Columns::new(area.width).name;
    line.move_to(x);
    let name = look
        .safe(&group.name)
        .cut(usize::from(columns.saturating_sub(1)), look.charset);
    line.text(&name, look.plain()).move_to(x + columns);
    line.compose(&group.who(), look.quiet()).skip(2);
    let when = short_time(group.since(), model.link.wall(now));
    let said = format!("left {when}, {}", group.reason());
    line.compose(&said, look.plain());
}
