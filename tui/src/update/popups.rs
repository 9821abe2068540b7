//! What lies above everything and takes the keys: the help and the questions.

use super::actions::refresh_all;
use super::keys::{Edit, edited};
use super::{Effect, Request};
use crate::keymap::{Action, Key, action_of, bindings};
use crate::model::{Help, Model, Popup, Question};

/// Bindings of a page of the help.
const PAGE: usize = 5;

/// Whether a text is being typed into a popup.
pub(super) const fn is_typing(model: &Model) -> bool {
    matches!(&model.popup, Some(Popup::Help(help)) if help.is_typing)
}

/// Takes a key in for a popup that was open.
pub(super) fn pressed(model: &mut Model, popup: Popup, key: Key, effects: &mut Vec<Effect>) {
    match popup {
        Popup::Help(help) => model.popup = in_help(help, key).map(Popup::Help),
        Popup::Confirm { question, is_yes } => in_question(model, key, question, is_yes, effects),
    }
}

/// The help after a key; nothing when it is closed.
fn in_help(mut help: Help, key: Key) -> Option<Help> {
    if help.is_typing {
        match key {
            Key::Enter => help.is_typing = false,
            Key::Esc => help = Help::default(),
            _ => {
                if let Edit::Changed = edited(&mut help.search, key) {
                    help.top = 0;
                }
            }
        }
        return Some(help);
    }
    let last = bindings(&help.search).count().saturating_sub(1);
    help.top = match action_of(key) {
        Some(Action::Down) => help.top + 1,
        Some(Action::Up) => help.top.saturating_sub(1),
        Some(Action::PageDown | Action::HalfPageDown) => help.top + PAGE,
        Some(Action::PageUp | Action::HalfPageUp) => help.top.saturating_sub(PAGE),
        Some(Action::First) => 0,
        Some(Action::Last) => last,
        Some(Action::Filter) => {
            help.is_typing = true;
            help.top
        }
        Some(Action::Back) if !help.search.is_empty() => return Some(Help::default()),
        Some(Action::Help | Action::Back) => return None,
        _ => help.top,
    }
    .min(last);
    Some(help)
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
        Key::Left | Key::Right | Key::Tab | Key::Char('h' | 'l') => {
            let is_yes = !is_yes;
            model.popup = Some(Popup::Confirm { question, is_yes });
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
        Question::Deregister { name, instances } | Question::Dismiss { name, instances } => {
            effects.push(Effect::Send(Request::Deregister { name, instances }));
        }
        Question::RefreshAll { .. } => {
            model.refreshes.is_confirmed = true;
            refresh_all(model, effects);
        }
    }
}
