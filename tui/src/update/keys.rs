//! Keys: what each action changes, by where it is pressed.

use lastbeat_proto::Status;
use lastbeat_proto::answer::Row;
use lastbeat_proto::query::{Sort, SortKey};

use super::{Effect, Request, ask, ask_events, layout, say};
use crate::clock::Mono;
use crate::keymap::{Action, KEYS, Key, action_of};
use crate::model::filter::{Filter, MAX_CHARS};
use crate::model::rows::RowKey;
use crate::model::{Model, Pane, Popup, Question, Tone};

/// From this many instances on, refreshing all asks first.
const REFRESH_ALL_ASKS_ABOVE: usize = 50;

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

fn act(model: &mut Model, action: Action, now: Mono, effects: &mut Vec<Effect>) {
    match action {
        Action::Down
        | Action::Up
        | Action::First
        | Action::Last
        | Action::HalfPageDown
        | Action::HalfPageUp
        | Action::PageDown
        | Action::PageUp => scroll(model, action, effects),
        Action::NextDown => next_down(model, Direction::Forward, now, effects),
        Action::PreviousDown => next_down(model, Direction::Back, now, effects),
        Action::Open => {
            if model.pane == Pane::Table && model.cursor.key.is_some() {
                model.pane = Pane::Detail;
                ask_events(model, effects);
            }
        }
        Action::Back => back(model),
        Action::Filter => {
            if let Pane::Events(_) = model.pane {
                model.pane = Pane::Table;
            }
            model.typing = Some(model.rows.filter().clone());
        }
        Action::NextSort => sort_by(model, index_of(model.sort().key) + 1),
        Action::SortBy(index) => sort_by(model, index),
        Action::ReverseSort => {
            let Sort { key, is_reversed } = model.sort();
            model.rows.set_sort(Sort {
                key,
                is_reversed: !is_reversed,
            });
        }
        Action::AskNow => ask(model, effects),
        Action::Pause => model.link.is_paused = !model.link.is_paused,
        Action::Events => toggle_events(model, effects),
        Action::Help => model.popup = Some(Popup::Help(0)),
        Action::RefreshAll => match model.rows.total() {
            count if REFRESH_ALL_ASKS_ABOVE < count => {
                let question = Question::RefreshAll { count };
                model.popup = Some(Popup::Confirm {
                    question,
                    is_yes: false,
                });
            }
            _ => refresh_all(model, effects),
        },
        Action::Refresh | Action::CopyAddress | Action::CopyJson | Action::Deregister => {
            on_row(model, action, now, effects);
        }
        Action::Quit | Action::Suspend | Action::Repaint => {}
    }
}

fn on_row(model: &mut Model, action: Action, now: Mono, effects: &mut Vec<Effect>) {
    let Some(row) = selected(model) else {
        say(model, "no service is selected".to_owned(), Tone::Bad, now);
        return;
    };
    match action {
        Action::Refresh => {
            let name = row.name.clone();
            if model.refreshing.insert(name.clone()) {
                effects.push(Effect::Send(Request::Refresh { name }));
            }
        }
        Action::CopyAddress => {
            let address = address(row);
            effects.push(Effect::Copy(address.clone()));
            say(model, format!("copied {address}"), Tone::Good, now);
        }
        Action::CopyJson => match serde_json::to_string(row) {
            Ok(json) => {
                let said = format!("copied {} as JSON", row.name);
                effects.push(Effect::Copy(json));
                say(model, said, Tone::Good, now);
            }
            Err(error) => say(
                model,
                format!("cannot copy the row: {error}"),
                Tone::Bad,
                now,
            ),
        },
        _ if model.is_read_only => {
            let text = "cannot deregister: started with --read-only".to_owned();
            say(model, text, Tone::Bad, now);
        }
        _ => {
            let question = Question::Deregister {
                name: row.name.clone(),
                instance: row.instance.clone(),
            };
            model.popup = Some(Popup::Confirm {
                question,
                is_yes: false,
            });
        }
    }
}

fn selected(model: &Model) -> Option<&Row> {
    model.rows.find(model.cursor.key.as_ref()?)
}

/// The address with its port, IPv6 in brackets.
fn address(row: &Row) -> String {
    match row.port {
        Some(port) if row.ip.contains(':') => format!("[{}]:{port}", row.ip),
        Some(port) => format!("{}:{port}", row.ip),
        None => row.ip.clone(),
    }
}

fn refresh_all(model: &mut Model, effects: &mut Vec<Effect>) {
    if !model.is_refreshing_all {
        model.is_refreshing_all = true;
        effects.push(Effect::Send(Request::RefreshAll));
    }
}

fn back(model: &mut Model) {
    if model.pane != Pane::Table {
        model.pane = Pane::Table;
    } else if model.toast.is_some() {
        model.toast = None;
    } else {
        model.rows.set_filter(Filter::default());
    }
}

fn toggle_events(model: &mut Model, effects: &mut Vec<Effect>) {
    match model.pane {
        Pane::Events(_) => model.pane = Pane::Table,
        pane => {
            let of = match pane {
                Pane::Detail => model.cursor.key.as_ref().map(|key| key.name.clone()),
                _ => None,
            };
            if model.events.of != of {
                model.events.list.clear();
            }
            model.events.of = of;
            model.pane = Pane::Events(0);
            ask_events(model, effects);
        }
    }
}

fn index_of(key: SortKey) -> usize {
    SortKey::ALL
        .iter()
        .position(|other| *other == key)
        .unwrap_or(0)
}

/// Sorts by the column with this index; by the one in use turns the order round.
fn sort_by(model: &mut Model, index: usize) {
    let Some(key) = SortKey::ALL.get(index % SortKey::ALL.len()) else {
        return;
    };
    let now = model.sort();
    let is_reversed = now.key == *key && !now.is_reversed;
    model.rows.set_sort(Sort {
        key: *key,
        is_reversed,
    });
}

fn scroll(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    let page = usize::from(layout(model).body).max(1);
    let (now, last) = match model.pane {
        Pane::Events(top) => (top, model.events.list.len().saturating_sub(1)),
        _ => (model.cursor.line, model.rows.len().saturating_sub(1)),
    };
    let to = match action {
        Action::Down => now + 1,
        Action::Up => now.saturating_sub(1),
        Action::First => 0,
        Action::HalfPageDown => now + page.div_ceil(2),
        Action::HalfPageUp => now.saturating_sub(page.div_ceil(2)),
        Action::PageDown => now + page,
        Action::PageUp => now.saturating_sub(page),
        _ => last,
    };
    let to = to.min(last);
    match model.pane {
        Pane::Events(_) => model.pane = Pane::Events(to),
        _ => select(model, to, effects),
    }
}

fn select(model: &mut Model, line: usize, effects: &mut Vec<Effect>) {
    let before = model.cursor.key.take();
    model.cursor.line = line;
    model.cursor.key = model.rows.row(line).map(RowKey::of);
    let name = |key: &Option<RowKey>| key.as_ref().map(|key| key.name.clone());
    if model.pane == Pane::Detail && name(&before) != name(&model.cursor.key) {
        ask_events(model, effects);
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Back,
}

fn next_down(model: &mut Model, direction: Direction, now: Mono, effects: &mut Vec<Effect>) {
    let len = model.rows.len();
    let line = model.cursor.line;
    let is_down = |line: &usize| {
        model
            .rows
            .row(*line)
            .is_some_and(|r| r.status == Status::Down)
    };
    let found = match direction {
        Direction::Forward => (line + 1..len).chain(0..=line).find(is_down),
        Direction::Back => (0..line).rev().chain((line..len).rev()).find(is_down),
    };
    match found {
        Some(line) => select(model, line, effects),
        None => say(model, "nothing here is DOWN".to_owned(), Tone::Good, now),
    }
}
