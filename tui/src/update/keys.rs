//! Keys: typed into the filter, given to the popup or turned into an action.

use super::actions::{act, refresh_all};
use super::{Effect, Request};
use crate::clock::Mono;
use crate::keymap::{Action, KEYS, Key, action_of};
use crate::model::filter::{Filter, MAX_CHARS};
use crate::model::{Model, Popup, Question};

/// Takes a key in.
pub(super) fn pressed(model: &mut Model, key: Key, now: Mono, effects: &mut Vec<Effect>) {
    if model.typing.is_some() && typed(model, key) {
        return;
    }
    let action = action_of(key);
    match action {
        Some(Action::Quit) => effects.push(Effect::Quit),
        Some(Action::Suspend) => effects.push(Effect::Suspend),
        Some(Action::Repaint) => effects.push(Effect::Repaint),
        _ => match model.popup.take() {
            Some(Popup::Help(top)) => in_help(model, action, top),
            Some(Popup::Confirm { question, is_yes }) => {
                in_question(model, key, question, is_yes, effects);
            }
            None => {
                if let Some(action) = action {
                    act(model, action, now, effects);
                }
            }
        },
    }
}

/// Takes a key of the filter line in; false for keys that mean the same everywhere.
fn typed(model: &mut Model, key: Key) -> bool {
    let mut text = model.rows.filter().text().to_owned();
    match key {
        Key::Enter => {
            model.typing = None;
            return true;
        }
        Key::Esc => {
            if let Some(before) = model.typing.take() {
                model.rows.set_filter(before);
            }
            return true;
        }
        Key::Backspace => {
            text.pop();
        }
        Key::Ctrl('u') => text.clear(),
        Key::Char(character) if text.chars().count() < MAX_CHARS => text.push(character),
        Key::Down | Key::Up | Key::PageDown | Key::PageUp | Key::Ctrl(_) => return false,
        _ => return true,
    }
    model.rows.set_filter(Filter::parse(&text));
    true
}

fn in_help(model: &mut Model, action: Option<Action>, top: usize) {
    let last = KEYS.len();
    let top = match action {
        Some(Action::Down) => (top + 1).min(last),
        Some(Action::Up) => top.saturating_sub(1),
        Some(Action::PageDown | Action::HalfPageDown) => (top + 5).min(last),
        Some(Action::PageUp | Action::HalfPageUp) => top.saturating_sub(5),
        Some(Action::Help | Action::Back) => return,
        _ => top,
    };
    model.popup = Some(Popup::Help(top));
}

fn in_question(
    model: &mut Model,
    key: Key,
    question: Question,
    is_yes: bool,
    effects: &mut Vec<Effect>,
) {
    let answered = match key {
        Key::Char('y' | 'Y') => true,
        Key::Enter => is_yes,
        Key::Char('n' | 'N') | Key::Esc => false,
        Key::Left | Key::Right | Key::Char('h' | 'l') => {
            model.popup = Some(Popup::Confirm {
                question,
                is_yes: !is_yes,
            });
            return;
        }
        _ => {
            model.popup = Some(Popup::Confirm { question, is_yes });
            return;
        }
    };
    if !answered {
        return;
    }
    match question {
        Question::Deregister { name, instance } => {
            effects.push(Effect::Send(Request::Deregister { name, instance }));
        }
        Question::RefreshAll { .. } => refresh_all(model, effects),
    }
}
