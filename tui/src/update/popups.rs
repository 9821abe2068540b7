//! What lies above everything and takes the keys: the help and the questions.

use super::actions::refresh_all;
use super::keys::{Edit, edited};
use super::{Effect, Request};
use crate::keymap::{Action, Key, action_of, bindings, signs};
use crate::model::{Help, Model, Pane, Popup, Question};

/// Entries of a page of the help.
const PAGE: usize = 5;

/// Whether a text is being typed into a popup.
pub(super) const fn is_typing(model: &Model) -> bool {
    matches!(&model.popup, Some(Popup::Help(help)) if help.is_typing)
}

/// Takes a key in for a popup that was open.
pub(super) fn pressed(model: &mut Model, popup: Popup, key: Key, effects: &mut Vec<Effect>) {
    match popup {
        Popup::Help(help) => model.popup = in_help(help, key).map(Popup::Help),
        asked @ Popup::Confirm { .. } => in_question(model, key, asked, effects),
    }
}

/// What is asked was drawn, and nothing waits that was typed before: it may be answered.
pub(super) const fn shown(model: &mut Model) {
    if let Some(Popup::Confirm { is_seen, .. }) = &mut model.popup {
        *is_seen = true;
    }
}

/// The help after a key; nothing when it is closed.
fn in_help(mut help: Help, key: Key) -> Option<Help> {
    if help.is_typing {
        match key {
            Key::Enter => help.is_typing = false,
            Key::Esc | Key::Ctrl('c') => help = Help::default(),
            _ => {
                if let Edit::Changed = edited(&mut help.search, key) {
                    help.top = 0;
                }
            }
        }
        return Some(help);
    }
    let entries = bindings(&help.search).count() + signs(&help.search).count();
    let last = entries.saturating_sub(1);
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

fn in_question(model: &mut Model, key: Key, popup: Popup, effects: &mut Vec<Effect>) {
    let Popup::Confirm {
        question,
        is_yes,
        is_seen,
    } = popup
    else {
        return;
    };
    let asked = |is_yes| Popup::Confirm {
        question: question.clone(),
        is_yes,
        is_seen,
    };
    match key {
        Key::Char('n' | 'N') | Key::Esc => {}
        _ if !is_seen => model.popup = Some(asked(is_yes)),
        Key::Enter if !is_yes => {}
        Key::Enter => confirmed(model, question, effects),
        Key::Char(letter) if letter == question.yes() || letter == 'Y' => {
            confirmed(model, question, effects);
        }
        Key::Left | Key::Right | Key::Tab | Key::Char('h' | 'l') => {
            model.popup = Some(asked(!is_yes));
        }
        _ => model.popup = Some(asked(is_yes)),
    }
}

/// Does what was asked. Who took something away is led back to the list: a detail would show
/// another service's as soon as this one is gone.
fn confirmed(model: &mut Model, question: Question, effects: &mut Vec<Effect>) {
    match question {
        Question::Deregister { name, instances } => {
            model.pane = Pane::Table;
            effects.push(Effect::Send(Request::Deregister { name, instances }));
        }
        Question::Dismiss { name, instances } => {
            model.pane = Pane::Table;
            model.dismissals.insert(name.clone());
            effects.push(Effect::Send(Request::Deregister { name, instances }));
        }
        Question::RefreshAll { .. } => {
            model.refreshes.is_confirmed = true;
            refresh_all(model, effects);
        }
    }
}
