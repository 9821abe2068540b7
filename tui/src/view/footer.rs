//! The bottom of the screen: the selected row in a sentence, the toast, the keys.

use lastbeat_proto::answer::Row;
use lastbeat_proto::{Status, explain};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::{Line, clear};
use crate::clock::Mono;
use crate::keymap::{Place, hints};
use crate::model::lines::Item;
use crate::model::{Model, Pane, Popup, Tone, note};
use crate::text::{short_time, whole_seconds};
use crate::theme::Look;

/// Column of what went wrong, behind its mark.
const FAULT_X: u16 = 5;
/// Most lines of it; a longer text is cut.
const MAX_FAULT_LINES: usize = 4;

/// Where the cursor is and how the selected row is.
pub(super) fn status(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    let mut line = Line::new(buffer, area, 0, look.charset);
    line.skip(1);
    if model.typing.is_some() {
        line.word("/", look.strong())
            .compose(model.rows.filter().text(), look.plain())
            .word(" ", look.selected());
        if let Some(fault) = model.rows.filter().fault() {
            line.skip(2).compose(&fault, look.strong());
        }
        return;
    }
    let Some(item) = model.selected() else {
        return;
    };
    let (at, of) = match model.cursor.line.checked_sub(model.table_len()) {
        Some(below) => (below, model.lines.gone_len()),
        None => (model.cursor.line, model.table_len()),
    };
    line.compose(&format!("{}/{of}", at + 1), look.plain())
        .skip(2);
    let (name, said) = match item {
        Item::Instance(row) => (&row.name, of_row(row, model, now)),
        Item::Service(group) => {
            let only = model.only_row(group);
            let said = only.map_or_else(|| group.counts(), |row| of_row(row, model, now));
            (&group.name, said)
        }
        Item::Left(tombstone) => {
            let since = short_time(tombstone.since, model.link.wall(now));
            let said = format!("GONE since {since}, {}", tombstone.reason);
            (&tombstone.name, said)
        }
        Item::Gone(group) => {
            let since = short_time(group.since(), model.link.wall(now));
            let said = format!("GONE since {since}, {}", group.reason());
            (&group.name, said)
        }
    };
    line.compose(name, look.strong()).skip(2);
    // What comes next is left out as a whole where it would be cut.
    let said = look.safe(&said);
    let short = said.as_str().rsplit_once("; ").map(|(short, _)| short);
    match short {
        Some(short) if usize::from(line.left()) < said.width() => {
            line.compose(short, look.plain());
        }
        _ => {
            line.text(&said, look.plain());
        }
    }
}

/// How a row is, in one sentence.
fn of_row(row: &Row, model: &Model, now: Mono) -> String {
    let since = short_time(row.since, model.link.wall(now));
    let up_ms = model.link.up_ms(now);
    let detail = match (row.status, note::sentence(row, up_ms)) {
        (Status::Up, None) => {
            let age = whole_seconds(explain::age(row, up_ms));
            format!("last heartbeat {age} ago")
        }
        (_, note) => note.unwrap_or_default(),
    };
    format!("{} since {since}, {detail}", explain::state_word(row))
}

/// The toast, or what is under way. What went wrong takes lines above `area` where it needs them:
/// the end of such a sentence says what to do.
pub(super) fn toast(model: &Model, look: Look, area: Rect, buffer: &mut Buffer) {
    match &model.toast {
        Some(toast) if toast.tone == Tone::Bad => fault(&toast.text, look, area, buffer),
        Some(toast) => {
            let mut line = Line::new(buffer, area, 0, look.charset);
            line.skip(1).compose(&toast.text, look.plain());
        }
        None => under_way(model, look, area, buffer),
    }
}

fn fault(text: &str, look: Look, area: Rect, buffer: &mut Buffer) {
    let columns = usize::from(area.width.saturating_sub(FAULT_X + 1));
    let mut wrapped = look.safe(text).wrap(columns);
    if MAX_FAULT_LINES < wrapped.len() {
        wrapped = vec![look.safe(text)];
    }
    let above = u16::try_from(wrapped.len()).unwrap_or(1).saturating_sub(1);
    let above = above.min(area.y.saturating_sub(buffer.area.y));
    let area = Rect {
        y: area.y - above,
        height: area.height + above,
        ..area
    };
    clear(buffer, area);
    for (at, text) in (0..area.height).zip(&wrapped) {
        let mut line = Line::new(buffer, area, at, look.charset);
        line.skip(1);
        if at == 0 {
            line.word(" ! ", look.badge());
        }
        line.move_to(area.x + FAULT_X).text(text, look.strong());
    }
}

fn under_way(model: &Model, look: Look, area: Rect, buffer: &mut Buffer) {
    let mut line = Line::new(buffer, area, 0, look.charset);
    line.skip(1);
    if model.refreshes.is_of_all {
        line.word(look.busy(), look.plain())
            .word(" refreshing all services", look.plain());
    } else if let Some(name) = model.refreshes.names.first() {
        line.word(look.busy(), look.plain())
            .word(" refreshing ", look.plain())
            .compose(name, look.plain());
    }
}

/// The keys that matter here, as many as fit; how to get help and out always.
pub(super) fn keys(model: &Model, look: Look, area: Rect, buffer: &mut Buffer) {
    let place = match model.pane {
        Pane::Table if model.lines.is_grouped() => Place::Services,
        Pane::Table => Place::Table,
        Pane::Detail(_) => Place::Detail,
        Pane::Events(_) => Place::Events,
    };
    let shown: Vec<(&str, &str, bool)> = match (&model.popup, &model.typing) {
        (Some(Popup::Help(help)), _) if help.is_typing => {
            hint_list(&[("Enter", "keep"), ("Esc", "drop"), ("Ctrl-u", "clear")])
        }
        (Some(Popup::Help(_)), _) => hint_list(&[
            ("j/k", "scroll"),
            ("/", "search"),
            ("Esc", "close"),
            ("q", "quit"),
        ]),
        (Some(Popup::Confirm { question, .. }), _) => hint_list(&[
            match question.yes() {
                'y' => ("y", "yes"),
                _ => ("Y", "yes, all"),
            },
            ("n", "no"),
            ("Enter", "the chosen one"),
            ("Esc", "no"),
        ]),
        (None, Some(_)) => hint_list(&[("Enter", "keep"), ("Esc", "drop"), ("Ctrl-u", "clear")]),
        (None, None) => hints(place)
            .map(|hint| (hint.keys, hint.word, hint.is_kept))
            .collect(),
    };
    let width = |(keys, word, _): &(&str, &str, bool)| {
        u16::try_from(keys.len() + word.len() + 3).unwrap_or(u16::MAX)
    };
    let mut kept: u16 = shown.iter().filter(|hint| hint.2).map(width).sum();
    let mut line = Line::new(buffer, area, 0, look.charset);
    line.skip(1);
    for hint in &shown {
        let (keys, word, is_kept) = *hint;
        if is_kept {
            kept -= width(hint);
        }
        // The last one needs no blanks behind it.
        if line.left() + 2 < width(hint) + kept {
            continue;
        }
        line.word(keys, look.strong())
            .skip(1)
            .word(word, look.plain())
            .skip(2);
    }
}

fn hint_list<'a>(keys: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str, bool)> {
    keys.iter()
        .map(|(keys, word)| (*keys, *word, false))
        .collect()
}
