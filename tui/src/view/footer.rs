//! The bottom of the screen: the selected row in a sentence, the toast, the keys.

use lastbeat_proto::{Status, explain};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::Line;
use crate::clock::Mono;
use crate::keymap::KEYS;
use crate::model::{Model, Popup, Tone};
use crate::text::short_time;
use crate::theme::Look;

/// Where the cursor is and how the selected row is.
pub(super) fn status(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    let mut line = Line::new(buffer, area, 0, look.charset);
    line.skip(1);
    if model.typing.is_some() {
        line.word("/", look.strong())
            .compose(model.rows.filter().text(), look.plain())
            .word(" ", look.selected());
        return;
    }
    let Some(row) = model.rows.row(model.cursor.line) else {
        return;
    };
    let of = model.rows.len();
    line.compose(&format!("{}/{of}", model.cursor.line + 1), look.plain())
        .skip(2);
    line.compose(&row.name, look.strong()).skip(2);
    let since = short_time(row.since, model.link.wall(now));
    let up_ms = model.link.up_ms(now);
    let detail = match (row.status, explain::note(row, up_ms)) {
        (Status::Up, None) => format!("last heartbeat {} ago", explain::age(row, up_ms)),
        (_, note) => note.unwrap_or_default(),
    };
    line.compose(
        &format!("{} since {since}, {detail}", explain::state_word(row)),
        look.plain(),
    );
}

/// The toast, or what is under way.
pub(super) fn toast(model: &Model, look: Look, area: Rect, buffer: &mut Buffer) {
    let mut line = Line::new(buffer, area, 0, look.charset);
    line.skip(1);
    match &model.toast {
        Some(toast) => {
            let style = match toast.tone {
                Tone::Good => look.plain(),
                Tone::Bad => look.strong(),
            };
            if toast.tone == Tone::Bad {
                line.word(" ! ", look.alarm()).skip(1);
            }
            line.compose(&toast.text, style);
        }
        None if model.is_refreshing_all => {
            line.word("o refreshing all services", look.plain());
        }
        None => {
            if let Some(name) = model.refreshing.first() {
                line.word("o refreshing ", look.plain())
                    .compose(name, look.plain());
            }
        }
    }
}

/// The keys that matter here, as many as fit.
pub(super) fn keys(model: &Model, look: Look, area: Rect, buffer: &mut Buffer) {
    let mut line = Line::new(buffer, area, 0, look.charset);
    line.skip(1);
    let of_keymap = || KEYS.iter().filter_map(|binding| binding.footer).collect();
    let shown: Vec<(&'static str, &'static str)> = match (&model.popup, &model.typing) {
        (Some(Popup::Help(_)), _) => vec![("j/k", "scroll"), ("Esc", "close"), ("q", "quit")],
        (Some(Popup::Confirm { .. }), _) => {
            vec![
                ("y", "yes"),
                ("n", "no"),
                ("Enter", "the chosen one"),
                ("Esc", "no"),
            ]
        }
        (None, Some(_)) => vec![("Enter", "keep"), ("Esc", "drop"), ("Ctrl-u", "clear")],
        (None, None) => of_keymap(),
    };
    for (key, word) in shown {
        let width = u16::try_from(key.len() + word.len() + 1).unwrap_or(u16::MAX);
        if line.left() < width {
            return;
        }
        line.word(key, look.strong())
            .skip(1)
            .word(word, look.plain())
            .skip(2);
    }
}
