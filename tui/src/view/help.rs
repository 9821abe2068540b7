//! The help: made from the tables of keys and of signs, and searchable.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::{Line, popup};
use crate::keymap::{bindings, signs};
use crate::model::Help;
use crate::text::{Charset, SafeText};
use crate::theme::Look;

/// Column of what the keys do.
const DOES_X: u16 = 25;
/// Widest popup.
const WIDTH: u16 = 100;

/// Draws keys and signs above everything, or those that are searched for.
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
    let inside = popup(buffer, area, look.charset, look.plain());
    let title = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        ..area
    };
    Line::new(buffer, title, 0, look.charset).word(" Keys and signs ", look.strong());
    let keys = inside.height.saturating_sub(1);
    for (at, (label, text)) in (0..keys).zip(lines) {
        let mut line = Line::new(buffer, inside, at, look.charset);
        line.skip(1).text(&label, look.strong());
        let x = if is_beside { DOES_X } else { 3 };
        line.move_to(inside.x + x).text(&text, look.plain());
    }
    search(look, help, inside, buffer);
}

/// Lines of keys and signs with what they do or mean, from the first that is not scrolled away.
fn lines(look: Look, help: &Help, width: u16, is_beside: bool) -> Vec<(SafeText, SafeText)> {
    let taken = if is_beside { DOES_X + 4 } else { 6 };
    let columns = usize::from(width.saturating_sub(taken));
    let keys = bindings(&help.search).map(|keys| (keys.label.to_owned(), keys.does));
    let signs = signs(&help.search).map(|sign| {
        let shape = match look.charset {
            Charset::Utf8 => sign.shape,
            Charset::Ascii => sign.ascii,
        };
        (format!("{shape}  {}", sign.word), sign.means)
    });
    let mut lines = Vec::new();
    for (label, does) in keys.chain(signs).skip(help.top) {
        let mut label = look.safe(&label);
        if !is_beside {
            lines.push((std::mem::take(&mut label), SafeText::default()));
        }
        for text in look.safe(does).wrap(columns) {
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
    if bindings(&help.search).count() + signs(&help.search).count() == 0 {
        line.skip(2).word("nothing is called so", look.quiet());
    }
}
