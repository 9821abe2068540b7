//! The screen: shares it out among its regions and lets each draw itself. Draws from the model
//! alone and builds only the rows that can be seen.

mod columns;
mod detail;
mod empty;
mod events;
mod footer;
mod gone;
mod header;
mod help;
mod question;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::Line;
use crate::clock::Mono;
use crate::model::layout::{Layout, WIDE};
use crate::model::{Model, Pane, Popup};
use crate::theme::Look;
use crate::update::{layout, listed};

/// Draws everything into an empty buffer of the model's size.
pub fn draw(model: &Model, look: Look, now: Mono, buffer: &mut Buffer) {
    let lines = layout(model);
    let screen = buffer.area;
    if lines.is_one_line {
        if let Some(Popup::Confirm {
            question, is_yes, ..
        }) = &model.popup
        {
            // What a key answers must be seen, however little room there is.
            let mut line = Line::new(buffer, screen, 0, look.charset);
            question::one_line(look, question, *is_yes, &mut line);
        } else {
            header::one_line(model, look, now, screen, buffer);
        }
        return;
    }
    let mut top = screen.y;
    let mut take = |height: u16| {
        let area = Rect {
            y: top,
            height,
            ..screen
        };
        top += height;
        area
    };
    let header = take(lines.header);
    if lines.counts == 0 {
        header::one_line(model, look, now, header, buffer);
    } else {
        header::draw(model, look, now, header, buffer);
        header::counts(model, look, take(lines.counts), buffer);
    }
    header::notices(model, look, take(lines.notices), buffer);
    let middle = take(lines.heading + lines.body);
    draw_middle(model, look, now, middle, buffer);
    gone::draw(model, look, now, take(lines.gone), buffer);
    draw_foot(model, look, now, lines, &mut take, buffer);
    match &model.popup {
        None => {}
        Some(Popup::Help(help)) => help::draw(look, help, screen, buffer),
        Some(Popup::Confirm {
            question, is_yes, ..
        }) => {
            question::draw(look, question, *is_yes, screen, buffer);
        }
    }
}

fn draw_middle(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    match model.pane {
        Pane::Events(scrolled) => events::draw(model, look, scrolled, area, buffer),
        Pane::Detail(scrolled) if area.width < WIDE => {
            detail::draw(model, look, now, scrolled, (area, buffer));
        }
        Pane::Detail(scrolled) => {
            let width = area.width / 2;
            let beside = Rect {
                x: area.x + area.width - width,
                width,
                ..area
            };
            let table = Rect {
                width: area.width - width,
                ..area
            };
            table::draw(model, look, now, table, buffer);
            detail::draw_beside(model, look, now, scrolled, (beside, buffer));
        }
        Pane::Table if listed(model, layout(model)) == 0 => {
            empty::draw(model, look, now, area, buffer);
        }
        Pane::Table => table::draw(model, look, now, area, buffer),
    }
}

fn draw_foot(
    model: &Model,
    look: Look,
    now: Mono,
    lines: Layout,
    take: &mut impl FnMut(u16) -> Rect,
    buffer: &mut Buffer,
) {
    let status = take(lines.status);
    let toast = take(lines.toast);
    let keys = take(lines.footer);
    if 0 < lines.toast {
        footer::status(model, look, now, status, buffer);
        footer::toast(model, look, toast, buffer);
    } else if model.toast.is_some() {
        footer::toast(model, look, status, buffer);
    } else {
        footer::status(model, look, now, status, buffer);
    }
    footer::keys(model, look, keys, buffer);
}

#[cfg(test)]
mod tests;
