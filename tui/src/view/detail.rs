//! Everything about what is selected.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::{Line, frame};
use crate::clock::Mono;
use crate::model::Model;
use crate::model::detail::{DetailLine, NARROW, VALUE_X, lines};
use crate::theme::Look;

/// Draws the detail beside the table, in a frame, `scrolled` lines left out at the top.
pub(super) fn draw_beside(
    model: &Model,
    look: Look,
    now: Mono,
    scrolled: usize,
    (area, buffer): (Rect, &mut Buffer),
) {
    let inside = frame(buffer, area, look.charset, look.quiet());
    draw(model, look, now, scrolled, (inside, buffer));
}

/// Draws the detail over the whole area; the last line says when there is more.
pub(super) fn draw(
    model: &Model,
    look: Look,
    now: Mono,
    scrolled: usize,
    (area, buffer): (Rect, &mut Buffer),
) {
    let lines = lines(model, area.width, now);
    let height = usize::from(area.height);
    let hidden = lines.len().saturating_sub(scrolled + height);
    for (at, line) in (0..area.height).zip(lines.iter().skip(scrolled)) {
        let is_last = at + 1 == area.height;
        let mut on = Line::new(buffer, area, at, look.charset);
        if is_last && 0 < hidden {
            let said = format!("{} more lines (PgDn, PgUp)", hidden + 1);
            on.skip(1).compose(&said, look.quiet());
        } else {
            one_line(line, look, area, &mut on);
        }
    }
}

fn one_line(line: &DetailLine, look: Look, area: Rect, on: &mut Line<'_>) {
    let value_x = if area.width < NARROW { 2 } else { VALUE_X };
    match line {
        DetailLine::Title(mark, name) => {
            let shape = look.shape_style(*mark);
            on.word(" ", shape)
                .word(look.shape(*mark), shape)
                .word(" ", shape)
                .word(mark.word(), look.word_style(*mark))
                .skip(2)
                .text(name, look.strong());
        }
        DetailLine::Fact(label, text) => {
            on.skip(1)
                .word(label, look.quiet())
                .move_to(area.x + value_x)
                .text(text, look.plain());
        }
        DetailLine::Heading(text) => {
            on.skip(1).text(text, look.strong());
        }
        DetailLine::Entry(mark, text) => {
            on.skip(1);
            if let Some(mark) = mark {
                on.word(look.shape(*mark), look.shape_style(*mark)).skip(1);
            }
            on.text(text, look.plain());
        }
        DetailLine::Blank => {}
    }
}
