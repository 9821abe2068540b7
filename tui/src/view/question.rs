//! The question before something is taken away.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::{Line, popup};
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
    let (title, text) = words(question);
    let width = screen.width.min(WIDTH);
    let columns = usize::from(width.saturating_sub(4));
    let mut lines = look.safe(&text).wrap(columns);
    if usize::from(screen.height) < lines.len() + 3 {
        lines = look.safe(&short(question)).wrap(columns);
    }
    let height = u16::try_from(lines.len() + 4)
        .unwrap_or(u16::MAX)
        .min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    let inside = popup(buffer, area, look.charset, look.plain());
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
    let last = inside.height.saturating_sub(1);
    let mut line = Line::new(buffer, inside, last, look.charset);
    line.skip(1);
    answers(look, question, is_yes, &mut line);
}

/// All that fits on a very small screen: the answers first, since they must be seen.
pub(super) fn one_line(look: Look, question: &Question, is_yes: bool, line: &mut Line<'_>) {
    answers(look, question, is_yes, line);
    line.skip(1).compose(&short(question), look.plain());
}

/// The question where there is little room.
fn short(question: &Question) -> String {
    match question {
        Question::Deregister { name, .. } => format!("deregister {name}?"),
        Question::Dismiss { name, .. } => format!("dismiss {name}?"),
        Question::RefreshAll { count } => format!("refresh {count}?"),
    }
}

fn answers(look: Look, question: &Question, is_yes: bool, line: &mut Line<'_>) {
    let chosen = |is_it| if is_it { look.selected() } else { look.plain() };
    line.word("[ No ]", chosen(!is_yes))
        .skip(2)
        .word("[ Yes ]", chosen(is_yes));
    if question.yes() != 'y' {
        // Said where it is answered: `y` copies everywhere else, and would take all of them away.
        line.skip(2).word("Y = all of them", look.strong());
    }
}

/// Title and text.
fn words(question: &Question) -> (&'static str, String) {
    let several = |name: &str, instances: &[String]| match instances {
        [one] => format!("{name} ({one})"),
        all => format!("{} instances of {name}", all.len()),
    };
    match question {
        Question::Deregister { name, instances } => (
            " Deregister ",
            format!(
                "Take {} out of the registry? It is listed as GONE, and only a registration brings \
                 it back.",
                several(name, instances)
            ),
        ),
        Question::Dismiss { name, instances } => (
            " Dismiss ",
            format!(
                "Take {} off the list of what is GONE? It comes back all the same when it is heard.",
                several(name, instances)
            ),
        ),
        Question::RefreshAll { count } => (
            " Refresh all ",
            format!("Judge all {count} services again now? It is not asked again."),
        ),
    }
}
