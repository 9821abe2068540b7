//! The help: made from the key table, and searchable.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::{Line, frame};
use crate::keymap::bindings;
use crate::model::Help;
use crate::text::SafeText;
use crate::theme::Look;

/// Column of what the keys do.
const DOES_X: u16 = 25;
/// Widest popup.
const WIDTH: u16 = 100;

/// Draws the keys above everything, or those that are searched for.
pub(super) fn draw(look: Look, help: &Help, screen: Rect, buffer: &mut Buffer) {
    let width = screen.width.saturating_sub(2).min(WIDTH);
    let is_beside = DOES_X + 24 <= width;
    let lines = lines(look, help, width, is_beside);
    // Its size stays while one searches or scrolls.
    let whole = self::lines(look, &Help::default(), width, is_beside).len();
    let height = u16::try_from(whole + 3)
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
    let keys = inside.height.saturating_sub(1);
    for (at, (label, text)) in (0..keys).zip(lines) {
        let mut line = Line::new(buffer, inside, at, look.charset);
        line.skip(1).word(label, look.strong());
        let x = if is_beside { DOES_X } else { 3 };
        line.move_to(inside.x + x).text(&text, look.plain());
    }
    search(look, help, inside, buffer);
}

/// Lines of keys and what they do, from the first that is not scrolled away.
fn lines(look: Look, help: &Help, width: u16, is_beside: bool) -> Vec<(&'static str, SafeText)> {
    let taken = if is_beside { DOES_X + 4 } else { 6 };
    let columns = usize::from(width.saturating_sub(taken));
    let mut lines = Vec::new();
    for binding in bindings(&help.search).skip(help.top) {
        let mut label = binding.label;
        if !is_beside {
            lines.push((std::mem::take(&mut label), SafeText::default()));
        }
        for text in look.safe(binding.does).wrap(columns) {
            lines.push((std::mem::take(&mut label), text));
        }
    }
    lines
}

/// The line below the keys: what is searched for, or how to.
fn search(look: Look, help: &Help, inside: Rect, buffer: &mut Buffer) {
    let last = inside.height.saturating_sub(1);
    let mut line = Line::new(buffer, inside, last, look.charset);
    line.skip(1);
    if help.search.is_empty() && !help.is_typing {
        line.word("/ searches, j k scroll, Esc closes", look.quiet());
        return;
    }
    line.word("/", look.strong())
        .compose(&help.search, look.plain());
    if help.is_typing {
        line.word(" ", look.selected());
    }
    if bindings(&help.search).next().is_none() {
        line.skip(2).word("nothing is called so", look.quiet());
    }
}
