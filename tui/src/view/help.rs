//! The help: made from the key table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::{Line, frame};
use crate::keymap::KEYS;
use crate::theme::Look;

/// Column of what the keys do.
const DOES_X: u16 = 25;

/// Draws the keys above everything; `scrolled` bindings are left out at the top.
pub(super) fn draw(look: Look, scrolled: usize, screen: Rect, buffer: &mut Buffer) {
    let width = screen.width.saturating_sub(2).min(100);
    let beside = DOES_X + 24 <= width;
    let mut lines = Vec::new();
    let columns = if beside {
        width - DOES_X - 4
    } else {
        width.saturating_sub(6)
    };
    for binding in KEYS.iter().skip(scrolled) {
        let does = look.safe(binding.does).wrap(usize::from(columns));
        for (index, text) in does.into_iter().enumerate() {
            let label = if index == 0 { binding.label } else { "" };
            lines.push((label, text));
        }
    }
    let doubled = if beside { 1 } else { 2 };
    let height = u16::try_from(lines.len() * doubled + 2)
        .unwrap_or(u16::MAX)
        .min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    let inside = frame(buffer, area, look.charset, look.plain());
    let title = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        ..area
    };
    Line::new(buffer, title, 0, look.charset).word(" Keys ", look.strong());
    let mut at = 0;
    for (label, text) in lines {
        let mut line = Line::new(buffer, inside, at, look.charset);
        line.skip(1).word(label, look.strong());
        if beside {
            line.move_to(inside.x + DOES_X);
        } else if !label.is_empty() {
            at += 1;
            line = Line::new(buffer, inside, at, look.charset);
            line.skip(3);
        } else {
            line.skip(3);
        }
        line.text(&text, look.plain());
        at += 1;
    }
}
