//! Actions: what each of them changes.

use lastbeat_proto::Status;
use lastbeat_proto::answer::Row;
use lastbeat_proto::query::{Sort, SortKey};

use super::{Effect, Request, ask, ask_events, layout, say};
use crate::clock::Mono;
use crate::keymap::Action;
use crate::model::filter::Filter;
use crate::model::rows::RowKey;
use crate::model::{Model, Pane, Popup, Question, Tone};
use crate::text::address;

/// From this many instances on, refreshing all asks first.
const REFRESH_ALL_ASKS_ABOVE: usize = 50;

/// Does what an action says where no popup is open.
pub(super) fn act(model: &mut Model, action: Action, now: Mono, effects: &mut Vec<Effect>) {
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
            let address = address(&row.ip, row.port);
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

pub(super) fn refresh_all(model: &mut Model, effects: &mut Vec<Effect>) {
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
