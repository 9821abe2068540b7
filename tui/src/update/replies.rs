//! Answers of the daemon: what each of them changes.

use lastbeat_proto::Status;
use lastbeat_proto::answer::{DeregisterAnswer, RefreshAnswer, Row, ServicesAnswer};

use super::{Effect, Reply, Request, ask, ask_events, say};
use crate::clock::Mono;
use crate::model::gone::{self, GoneGroup};
use crate::model::lines::Selection;
use crate::model::link::Fault;
use crate::model::rows::RowKey;
use crate::model::{Model, OfService, Pane, Tone};

/// Takes an answer in.
pub(super) fn came(model: &mut Model, reply: Reply, now: Mono, effects: &mut Vec<Effect>) {
    match reply {
        Reply::Services(Ok(answer)) => services(model, *answer, now, effects),
        Reply::Services(Err(fault)) => model.link.failed(fault, now),
        Reply::Gone(Ok(answer)) => {
            let mut groups = gone::group(answer.gone);
            if model.knows_gone {
                gone::mark_new(&mut groups, &model.gone);
            }
            replace_gone(model, groups);
        }
        Reply::Gone(Err(fault)) => complain(model, "cannot list what is GONE", &fault, now),
        Reply::Events { name, result } if name == model.events.of => {
            model.events.is_loading = false;
            match result {
                Ok(answer) => {
                    model.events.list = answer.events;
                    model.events.fault = None;
                }
                Err(fault) => model.events.fault = Some(fault.text),
            }
        }
        Reply::Events { .. } => {} // Asked for before another service was opened.
        // Why there is none is said where it would stand.
        Reply::Uptime { name, result } => {
            model.uptime = Some(OfService {
                name,
                told: result.map_err(|fault| fault.text),
            });
        }
        Reply::Refresh { name, result } => refreshed(model, &name, result, now, effects),
        Reply::RefreshAll(result) => {
            model.refreshes.is_of_all = false;
            match result {
                Ok(()) => {
                    say(model, "refreshed all services".to_owned(), Tone::Good, now);
                    ask(model, effects);
                }
                Err(fault) => complain(model, "cannot refresh all", &fault, now),
            }
        }
        Reply::Deregister { name, result } => deregistered(model, &name, result, now, effects),
    }
}

fn complain(model: &mut Model, what: &str, fault: &Fault, now: Mono) {
    say(model, format!("{what}: {}", fault.text), Tone::Bad, now);
}

fn services(model: &mut Model, answer: ServicesAnswer, now: Mono, effects: &mut Vec<Effect>) {
    let is_first = !model.link.has_answer();
    let is_whole = answer.full || model.link.cursor.is_empty();
    let gone_changed = is_first
        || is_whole
        || !answer.removed.is_empty()
        || model.summary.gone != answer.summary.gone;
    model.link.heard(answer.up_ms, answer.now, now);
    model.link.cursor = answer.cursor;
    model.link.revision = answer.revision;
    model.summary = answer.summary;
    model.notices = answer.notices;
    model.notices.extend(model.own_notice.clone());
    model
        .notices
        .sort_by_key(|notice| std::cmp::Reverse(notice.level as u8));
    let came_back = came_back(model, &answer.services);
    if is_whole {
        model.rows.replace(answer.services);
    } else {
        model.rows.merge(answer.services, &answer.removed);
    }
    for key in came_back {
        model.rows.mark_changed(&key);
    }
    if gone_changed {
        match model.summary.gone {
            0 => replace_gone(model, Vec::new()),
            _ => effects.push(Effect::Send(Request::Gone)),
        }
    }
    let is_behind = model.events.revision != Some(model.link.revision);
    if model.pane != Pane::Table && is_behind && !model.events.is_loading {
        ask_events(model, effects);
    }
}

fn replace_gone(model: &mut Model, groups: Vec<GoneGroup>) {
    model.gone = groups;
    model.knows_gone = true;
    model.lines.touch();
}

/// Which of these rows are of instances that had left.
fn came_back(model: &Model, rows: &[Row]) -> Vec<RowKey> {
    let keys = rows.iter().map(RowKey::of);
    let is_back = |key: &RowKey| {
        let groups = model.gone.iter().filter(|group| group.name == key.name);
        let mut left = groups.flat_map(|group| &group.tombstones);
        model.rows.find(key).is_none() && left.any(|t| t.instance == key.instance)
    };
    if model.gone.is_empty() {
        Vec::new()
    } else {
        keys.filter(is_back).collect()
    }
}

fn refreshed(
    model: &mut Model,
    name: &str,
    result: Result<Box<RefreshAnswer>, Fault>,
    now: Mono,
    effects: &mut Vec<Effect>,
) {
    model.refreshes.names.remove(name);
    match result {
        Ok(answer) => {
            let text = format!("refreshed {name}: {}", judged(model, name, &answer));
            say(model, text, Tone::Good, now);
            ask(model, effects);
        }
        Err(fault) => complain(model, &format!("cannot refresh {name}"), &fault, now),
    }
}

/// How it was judged: the selected instance where it is one of this service, else how many of the
/// service are how.
fn judged(model: &Model, name: &str, answer: &RefreshAnswer) -> String {
    let selected = match &model.cursor.key {
        Some(Selection::Instance(key)) if key.name == name => Some(key),
        _ => None,
    };
    let of = |row: &&Row| selected.is_none_or(|key| key.instance == row.instance);
    let [one] = answer.instances.iter().filter(of).collect::<Vec<_>>()[..] else {
        return counted(&answer.instances);
    };
    let was = model.rows.find(&RowKey::of(one)).map(|row| row.status);
    let still = if was == Some(one.status) {
        "still "
    } else {
        ""
    };
    let of_several = match answer.instances.len() {
        1 => String::new(),
        _ => format!(" ({}), of {}", one.instance, counted(&answer.instances)),
    };
    format!("{still}{}{of_several}", one.status.word())
}

/// How many are how: `1 UP, 2 DOWN`.
fn counted(rows: &[Row]) -> String {
    let down = rows.iter().filter(|row| row.status == Status::Down).count();
    match (rows.len() - down, down) {
        (0, down) => format!("{down} DOWN"),
        (up, 0) => format!("{up} UP"),
        (up, down) => format!("{up} UP, {down} DOWN"),
    }
}

fn deregistered(
    model: &mut Model,
    name: &str,
    result: Result<DeregisterAnswer, Fault>,
    now: Mono,
    effects: &mut Vec<Effect>,
) {
    let is_dismissal = model.dismissals.remove(name);
    let verb = if is_dismissal {
        "dismiss"
    } else {
        "deregister"
    };
    match result {
        Ok(answer) if is_dismissal => {
            let text = match answer.removed.as_slice() {
                [one] => format!("dismissed {name} ({})", one.instance),
                all => format!("dismissed {} instances of {name}", all.len()),
            };
            say(model, text, Tone::Good, now);
            ask(model, effects);
        }
        Ok(answer) => {
            say(model, answer.message, Tone::Good, now);
            ask(model, effects);
        }
        Err(fault) => complain(model, &format!("cannot {verb} {name}"), &fault, now),
    }
}
