//! What left the registry, under its own heading: one line a service, with why and when.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::canvas::Line;
use crate::clock::Mono;
use crate::model::Model;
use crate::model::gone::GoneGroup;
use crate::text::short_time;
use crate::theme::{Look, Mark};

/// Column of the name, the table's.
const NAME_X: u16 = 11;
/// Widest name.
const NAME: u16 = 24;

/// Draws the heading and as many groups as there is room for.
pub(super) fn draw(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let room = usize::from(area.height) - 1;
    let hidden = model.gone.len().saturating_sub(room);
    let style = look.strong().add_modifier(Modifier::UNDERLINED);
    let mut heading = Line::new(buffer, area, 0, look.charset);
    heading.skip(3).word("GONE", style);
    if 0 < hidden {
        let said = format!("  {hidden} more services not shown");
        heading.compose(&said, look.quiet());
    }
    for (line, group) in (1..area.height).zip(&model.gone) {
        let mut line = Line::new(buffer, area, line, look.charset);
        one_group(group, model, look, now, &mut line, area);
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
    line.skip(3)
        .word(look.shape(Mark::Gone), look.plain())
        .skip(1)
        .word("GONE", look.plain());
    line.move_to(area.x + NAME_X);
    let columns = (line.left() / 3).clamp(8, NAME);
    let name = look
        .safe(&group.name)
        .cut(usize::from(columns) - 1, look.charset);
    line.text(&name, look.plain())
        .move_to(area.x + NAME_X + columns);
    let who = match group.tombstones.as_slice() {
        [one] => one.instance.clone(),
        several => format!("{} instances", several.len()),
    };
    line.compose(&who, look.quiet()).skip(2);
    let when = short_time(group.since(), model.link.wall(now));
    line.compose(&format!("{} since {when}", group.reason()), look.plain());
}
