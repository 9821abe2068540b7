//! Actions: what each of them changes.

use lastbeat_proto::answer::Tombstone;
use lastbeat_proto::query::{Sort, SortKey};

use super::moving::{self, Direction};
use super::{Effect, Request, ask, ask_events, say};
use crate::clock::Mono;
use crate::config::Theme;
use crate::keymap::Action;
use crate::model::filter::Filter;
use crate::model::gone::GoneGroup;
use crate::model::lines::Item;
use crate::model::{Help, Model, Pane, Popup, Question, Tone};
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
        | Action::PageUp => moving::scroll(model, action, now, effects),
        Action::NextDown => moving::next_down(model, Direction::Forward, now, effects),
        Action::PreviousDown => moving::next_down(model, Direction::Back, now, effects),
        Action::Open => open(model, effects),
        Action::Back => back(model),
        Action::Filter => moving::begin_filter(model),
        // An order that one cannot see changes by mistake only; so does what a line is.
        Action::NextSort | Action::SortBy(_) | Action::ReverseSort if !moving::has_list(model) => {}
        Action::ByService if matches!(model.pane, Pane::Events(_)) => {}
        Action::NextSort => sort_by(model, index_of(model.sort().key) + 1),
        Action::SortBy(index) => sort_by(model, index),
        Action::ReverseSort => {
            let Sort { key, is_reversed } = model.sort();
            model.rows.set_sort(Sort {
                key,
                is_reversed: !is_reversed,
            });
        }
        Action::ByService => moving::by_service(model),
        Action::AskNow => ask(model, effects),
        Action::Pause => model.link.is_paused = !model.link.is_paused,
        Action::Events => events(model, effects),
        Action::Help => model.popup = Some(Popup::Help(Help::default())),
        Action::RefreshAll => refresh_all_or_ask(model, effects),
        Action::Refresh => refresh(model, now, effects),
        Action::CopyAddress | Action::CopyJson => copy(model, action, now, effects),
        Action::Deregister => deregister(model, now),
        Action::NextTheme => next_theme(model, now),
        Action::Mouse => {
            model.display.is_mouse_on = !model.display.is_mouse_on;
            effects.push(Effect::Mouse(model.display.is_mouse_on));
            let text = if model.display.is_mouse_on {
                "the mouse selects rows now; m gives it back to the terminal"
            } else {
                "the mouse selects text now, as the terminal does it"
            };
            say(model, text.to_owned(), Tone::Good, now);
        }
        Action::Quit | Action::Suspend | Action::Repaint => {}
    }
}

/// Opens the detail of what is selected; lists the instances of a service, or no more.
pub(super) fn open(model: &mut Model, effects: &mut Vec<Effect>) {
    match model.selected() {
        Some(Item::Service(group)) => {
            let name = group.name.clone();
            if !model.lines.fold(&name) {
                model.lines.unfold(&name);
            }
        }
        Some(_) if model.pane == Pane::Table => {
            model.pane = Pane::Detail(0);
            ask_events(model, effects);
        }
        Some(_) | None => {}
    }
}

fn back(model: &mut Model) {
    if model.pane != Pane::Table {
        model.pane = Pane::Table;
    } else if model.toast.take().is_none() && !moving::fold(model) {
        model.rows.set_filter(Filter::default());
    }
}

/// What happened to all; pressed again, to what is selected, and so on. From the detail it begins
/// with what is selected.
fn events(model: &mut Model, effects: &mut Vec<Effect>) {
    let selected = model.cursor.key.as_ref().map(|key| key.name().to_owned());
    let of = match (model.pane, &model.events.of) {
        (Pane::Table, _) | (Pane::Events(_), Some(_)) => None,
        (Pane::Detail(_), _) | (Pane::Events(_), None) => selected,
    };
    if model.events.of != of {
        model.events.list.clear();
    }
    model.events.of = of;
    model.pane = Pane::Events(0);
    ask_events(model, effects);
}

fn refresh_all_or_ask(model: &mut Model, effects: &mut Vec<Effect>) {
    let count = model.rows.total();
    if model.refreshes.is_confirmed || count <= REFRESH_ALL_ASKS_ABOVE {
        refresh_all(model, effects);
    } else {
        model.popup = Some(Popup::asking(Question::RefreshAll { count }));
    }
}

pub(super) fn refresh_all(model: &mut Model, effects: &mut Vec<Effect>) {
    if !model.refreshes.is_of_all {
        model.refreshes.is_of_all = true;
        effects.push(Effect::Send(Request::RefreshAll));
    }
}

fn refresh(model: &mut Model, now: Mono, effects: &mut Vec<Effect>) {
    let name = match model.selected() {
        Some(Item::Instance(row)) => row.name.clone(),
        Some(Item::Service(group)) => group.name.clone(),
        Some(Item::Gone(GoneGroup { name, .. }) | Item::Left(Tombstone { name, .. })) => {
            let text =
                format!("cannot refresh {name}: it is GONE, and comes back when it registers");
            return say(model, text, Tone::Bad, now);
        }
        None => return say_nothing_selected(model, now),
    };
    if model.refreshes.names.insert(name.clone()) {
        effects.push(Effect::Send(Request::Refresh { name }));
    }
}

fn say_nothing_selected(model: &mut Model, now: Mono) {
    say(model, "no service is selected".to_owned(), Tone::Bad, now);
}

/// Puts the address, or the row as JSON, on the clipboard; those of all instances of a service.
fn copy(model: &mut Model, action: Action, now: Mono, effects: &mut Vec<Effect>) {
    let is_json = action == Action::CopyJson;
    let (text, what) = match model.selected() {
        Some(Item::Instance(row)) if is_json => {
            (serde_json::to_string(row), format!("{} as JSON", row.name))
        }
        Some(Item::Instance(row)) => {
            let address = address(&row.ip, row.port);
            (Ok(address.clone()), address)
        }
        Some(Item::Service(group)) => {
            let members = group.members.iter();
            let rows: Vec<_> = members.filter_map(|line| model.rows.row(*line)).collect();
            let (count, name) = (rows.len(), &group.name);
            if is_json {
                let what = format!("{count} instances of {name} as JSON");
                (serde_json::to_string(&rows), what)
            } else {
                let addresses = rows.iter().map(|row| address(&row.ip, row.port));
                let text = addresses.collect::<Vec<_>>().join("\n");
                (Ok(text), format!("{count} addresses of {name}"))
            }
        }
        Some(Item::Gone(group)) if is_json => (
            serde_json::to_string(&group.tombstones),
            format!("what left of {} as JSON", group.name),
        ),
        Some(Item::Gone(group)) => {
            let newest = group.tombstones.first();
            let address = newest.map_or_else(String::new, |t| address(&t.ip, t.port));
            (Ok(address.clone()), address)
        }
        Some(Item::Left(tombstone)) if is_json => (
            serde_json::to_string(tombstone),
            format!("what left of {} as JSON", tombstone.name),
        ),
        Some(Item::Left(tombstone)) => {
            let address = address(&tombstone.ip, tombstone.port);
            (Ok(address.clone()), address)
        }
        None => return say_nothing_selected(model, now),
    };
    match text {
        Ok(text) => {
            effects.push(Effect::Copy(text));
            say(
                model,
                format!("sent to the terminal's clipboard: {what}"),
                Tone::Good,
                now,
            );
        }
        Err(error) => {
            let text = format!("cannot copy {what}: {error}");
            say(model, text, Tone::Bad, now);
        }
    }
}

/// Asks before what is selected is taken out, or off the list of what left.
fn deregister(model: &mut Model, now: Mono) {
    let question = match model.selected() {
        None => return say_nothing_selected(model, now),
        Some(_) if model.is_read_only => {
            let text = "cannot deregister: started with --read-only".to_owned();
            return say(model, text, Tone::Bad, now);
        }
        Some(Item::Instance(row)) => Question::Deregister {
            name: row.name.clone(),
            instances: vec![row.instance.clone()],
        },
        Some(Item::Service(group)) => {
            let rows = group.members.iter().filter_map(|l| model.rows.row(*l));
            Question::Deregister {
                name: group.name.clone(),
                instances: rows.map(|row| row.instance.clone()).collect(),
            }
        }
        Some(Item::Left(tombstone)) => Question::Dismiss {
            name: tombstone.name.clone(),
            instances: vec![tombstone.instance.clone()],
        },
        Some(Item::Gone(group)) => Question::Dismiss {
            name: group.name.clone(),
            instances: group
                .tombstones
                .iter()
                .map(|t| t.instance.clone())
                .collect(),
        },
    };
    model.popup = Some(Popup::asking(question));
}

fn next_theme(model: &mut Model, now: Mono) {
    model.display.theme = model.display.theme.next();
    let is_plain =
        !model.display.is_colored && matches!(model.display.theme, Theme::Auto | Theme::Cb);
    let without = if is_plain {
        ", without colors: NO_COLOR, --no-color or TERM says so"
    } else {
        ""
    };
    let text = format!("theme {}{without}", model.display.theme.word());
    say(model, text, Tone::Good, now);
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
