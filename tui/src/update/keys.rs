//! Keys: typed into a line, given to the popup or turned into an action.

use super::actions::act;
use super::{Effect, Message, moving, popups};
use crate::clock::Mono;
use crate::keymap::{Action, Key, action_of};
use crate::model::filter::{Filter, MAX_CHARS};
use crate::model::{Model, Popup};

/// Takes a key in.
pub(super) fn pressed(model: &mut Model, key: Key, now: Mono, effects: &mut Vec<Effect>) {
    moving::see(model);
    // What went wrong stands until somebody is here to read it.
    let standing = model.toast.take_if(|toast| toast.until.is_none());
    if model.typing.is_some() && typed(model, key) {
        return;
    }
    let action = action_of(key);
    match action {
        Some(Action::Quit) if !popups::is_typing(model) => effects.push(Effect::Quit),
        Some(Action::Suspend) => effects.push(Effect::Suspend),
        Some(Action::Repaint) => effects.push(Effect::Repaint),
        _ => match model.popup.take() {
            Some(popup) => popups::pressed(model, popup, key, effects),
            None if standing.is_some() && action == Some(Action::Back) => {}
            None => {
                if let Some(action) = action {
                    act(model, action, now, effects);
                }
            }
        },
    }
}

/// Whether a message only orders the list anew, for which nothing of the list must be known.
pub(super) fn only_orders(model: &Model, message: &Message) -> bool {
    let Message::Key(key) = message else {
        return false;
    };
    let is_order = matches!(
        action_of(*key),
        Some(Action::NextSort | Action::SortBy(_) | Action::ReverseSort | Action::ByService)
    );
    is_order && model.typing.is_none() && model.popup.is_none()
}

/// Takes pasted text in: into the line that is being typed, else into a filter that begins with
/// it. What is pasted by mistake must not run as keys.
pub(super) fn pasted(model: &mut Model, text: &str) {
    let words: Vec<&str> = text
        .split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect();
    let text = words.join(" ");
    match &mut model.popup {
        Some(Popup::Help(help)) if help.is_typing => append(&mut help.search, &text),
        Some(_) => {}
        None => {
            let mut whole = if model.typing.is_some() {
                model.rows.filter().text().to_owned()
            } else {
                moving::begin_filter(model);
                String::new()
            };
            append(&mut whole, &text);
            model.rows.set_filter(Filter::parse(&whole));
        }
    }
}

fn append(line: &mut String, text: &str) {
    let room = MAX_CHARS.saturating_sub(line.chars().count());
    line.extend(text.chars().take(room));
}

/// Takes a key of the filter line in; false for keys that mean the same everywhere.
fn typed(model: &mut Model, key: Key) -> bool {
    let mut text = model.rows.filter().text().to_owned();
    match key {
        Key::Enter => {
            model.typing = None;
            return true;
        }
        Key::Esc | Key::Ctrl('c') => {
            if let Some(before) = model.typing.take() {
                model.rows.set_filter(before);
            }
            return true;
        }
        Key::Down | Key::Up | Key::PageDown | Key::PageUp => return false,
        _ => match edited(&mut text, key) {
            Edit::Changed => model.rows.set_filter(Filter::parse(&text)),
            Edit::Nothing => {}
            Edit::NotOfALine => return false,
        },
    }
    true
}

/// What a key did to a line that is being typed.
pub(super) enum Edit {
    /// It changed it.
    Changed,
    /// Nothing, and it means nothing else.
    Nothing,
    /// Nothing; it may mean something elsewhere.
    NotOfALine,
}

/// Does to a line what a key does in every shell.
pub(super) fn edited(text: &mut String, key: Key) -> Edit {
    match key {
        Key::Backspace => {
            text.pop();
        }
        Key::Ctrl('u') => text.clear(),
        Key::Ctrl('w') => {
            let kept = text.trim_end().rfind(' ').map_or(0, |blank| blank + 1);
            text.truncate(kept);
        }
        Key::Char(character) if text.chars().count() < MAX_CHARS => text.push(character),
        Key::Ctrl(_) => return Edit::NotOfALine,
        _ => return Edit::Nothing,
    }
    Edit::Changed
}
