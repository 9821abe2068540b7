//! The question before something is taken away.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::{Line, frame};
use crate::model::Question;
use crate::theme::Look;

/// Widest popup.
const WIDTH: u16 = 64;

/// Draws the question with its two answers, the chosen one in reverse.
pub(super) fn draw(
    look: Look,
    question: &Question,
    is_yes: bool,
    screen: Rect,
    buffer: &mut Buffer,
) {
    let (title, text) = match question {
        Question::Deregister { name, instance } => (
            " Deregister ",
            format!(
                "Take {name} ({instance}) out of the registry? It is listed as GONE, and only a \
                 registration brings it back."
            ),
        ),
        Question::RefreshAll { count } => (
            " Refresh all ",
            format!("Judge all {count} services again now?"),
        ),
    };
    let width = screen.width.min(WIDTH);
    let lines = look.safe(&text).wrap(usize::from(width.saturating_sub(4)));
    let height = u16::try_from(lines.len() + 4)
        .unwrap_or(u16::MAX)
        .min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    let inside = frame(buffer, area, look.charset, look.plain());
    let header = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        ..area
    };
    Line::new(buffer, header, 0, look.charset).word(title, look.strong());
    for (line, text) in (0..inside.height.saturating_sub(1)).zip(&lines) {
        Line::new(buffer, inside, line, look.charset)
            .skip(1)
            .text(text, look.plain());
    }
    let chosen = |is_it| if is_it { look.selected() } else { look.plain() };
    Line::new(
        buffer,
        inside,
        inside.height.saturating_sub(1),
        look.charset,
    )
    .skip(1)
    .word("[ No ]", chosen(!is_yes))
    .skip(2)
    .word("[ Yes ]", chosen(is_yes));
}
