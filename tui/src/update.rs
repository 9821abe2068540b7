//! What happens: a message changes the model and asks for effects. Pure; the only place where the
//! model changes.

mod actions;
mod keys;
mod replies;

use lastbeat_proto::answer::{
    DeregisterAnswer, EventsAnswer, GoneAnswer, RefreshAnswer, ServicesAnswer,
};

use crate::clock::Mono;
use crate::keymap::Key;
use crate::model::layout::Layout;
use crate::model::link::Fault;
use crate::model::rows::RowKey;
use crate::model::{Model, Pane, Toast, Tone};

/// How long a toast stays, in ms.
const TOAST_MS: i64 = 5_000;
/// How long a toast about a fault stays, in ms.
const FAULT_TOAST_MS: i64 = 15_000;

/// What can happen.
#[derive(Debug)]
pub enum Message {
    /// A key was pressed.
    Key(Key),
    /// The terminal has this many columns and lines.
    Resize(u16, u16),
    /// Time went by.
    Tick,
    /// The program was stopped and goes on.
    Resumed,
    /// The daemon answered a question, or not.
    Reply(Reply),
}

/// A question for the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The registry: whole, or what changed since the cursor.
    Services {
        /// Where the delta reader stands.
        since: Option<String>,
    },
    /// What left.
    Gone,
    /// What happened, to all or to one service.
    Events {
        /// Which service.
        name: Option<String>,
    },
    /// Judge a service again.
    Refresh {
        /// Which.
        name: String,
    },
    /// Judge all again.
    RefreshAll,
    /// Take an instance out.
    Deregister {
        /// Name of the service.
        name: String,
        /// Which instance.
        instance: String,
    },
}

/// An answer with what it answers.
#[derive(Debug)]
pub enum Reply {
    /// To [`Request::Services`].
    Services(Result<Box<ServicesAnswer>, Fault>),
    /// To [`Request::Gone`].
    Gone(Result<GoneAnswer, Fault>),
    /// To [`Request::Events`].
    Events {
        /// Which service was meant.
        name: Option<String>,
        /// The answer.
        result: Result<EventsAnswer, Fault>,
    },
    /// To [`Request::Refresh`].
    Refresh {
        /// Which service was meant.
        name: String,
        /// The answer.
        result: Result<Box<RefreshAnswer>, Fault>,
    },
    /// To [`Request::RefreshAll`].
    RefreshAll(Result<(), Fault>),
    /// To [`Request::Deregister`].
    Deregister {
        /// Which service was meant.
        name: String,
        /// The answer.
        result: Result<DeregisterAnswer, Fault>,
    },
}

/// What the outside shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the daemon.
    Send(Request),
    /// Put a text on the clipboard of whoever sits at the terminal.
    Copy(String),
    /// Draw everything anew.
    Repaint,
    /// Give the terminal back and stop until continued.
    Suspend,
    /// End.
    Quit,
}

/// Takes one message in.
pub fn update(model: &mut Model, message: Message, now: Mono) -> Vec<Effect> {
    let mut effects = Vec::new();
    match message {
        Message::Key(key) => keys::pressed(model, key, now, &mut effects),
        Message::Resize(columns, lines) => model.size = (columns, lines),
        Message::Resumed => {
            effects.push(Effect::Repaint);
            model.link.ask_at(now);
        }
        Message::Tick => {}
        Message::Reply(reply) => replies::came(model, reply, now, &mut effects),
    }
    if model.toast.as_ref().is_some_and(|toast| toast.until <= now) {
        model.toast = None;
    }
    if model.link.due().is_some_and(|due| due <= now) {
        ask(model, &mut effects);
    }
    keep_cursor(model);
    effects
}

/// When something will change without a message: a question is due, a toast goes, an age grows.
pub fn wake_at(model: &Model, now: Mono) -> Mono {
    let next_second = now.plus_ms(1_000 - now.as_ms().rem_euclid(1_000));
    let toast = model.toast.as_ref().map(|toast| toast.until);
    [model.link.due(), toast]
        .into_iter()
        .flatten()
        .fold(next_second, Mono::min)
}

/// The layout of the model's screen.
pub fn layout(model: &Model) -> Layout {
    let gone = match model.pane {
        Pane::Table => model.gone.len(),
        Pane::Detail | Pane::Events(_) => 0,
    };
    Layout::new(model.size, model.notices.len(), gone)
}

/// Asks for what changed, unless an answer is awaited already.
fn ask(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.link.is_asking {
        return;
    }
    model.link.is_asking = true;
    let since = Some(model.link.cursor.clone()).filter(|cursor| !cursor.is_empty());
    effects.push(Effect::Send(Request::Services { since }));
}

/// Asks for events where they are shown.
fn ask_events(model: &mut Model, effects: &mut Vec<Effect>) {
    let of = match model.pane {
        Pane::Table => return,
        Pane::Events(_) => model.events.of.clone(),
        Pane::Detail => model.cursor.key.as_ref().map(|key| key.name.clone()),
    };
    if model.events.of != of {
        model.events.list.clear();
        model.events.fault = None;
    }
    model.events.of.clone_from(&of);
    model.events.is_loading = true;
    model.events.revision = Some(model.link.revision);
    effects.push(Effect::Send(Request::Events { name: of }));
}

fn say(model: &mut Model, text: String, tone: Tone, now: Mono) {
    let stays_ms = match tone {
        Tone::Good => TOAST_MS,
        Tone::Bad => FAULT_TOAST_MS,
    };
    model.toast = Some(Toast {
        text,
        tone,
        until: now.plus_ms(stays_ms),
    });
}

/// Finds the selected instance again after rows changed, and keeps it on screen. An instance that
/// left hands the cursor to the row that took its line.
fn keep_cursor(model: &mut Model) {
    let last = model.rows.len().saturating_sub(1);
    let found = model
        .cursor
        .key
        .as_ref()
        .and_then(|key| model.rows.line_of(key));
    model.cursor.line = found.unwrap_or_else(|| model.cursor.line.min(last));
    if found.is_none() {
        model.cursor.key = model.rows.row(model.cursor.line).map(RowKey::of);
    }
    let height = usize::from(layout(model).body).max(1);
    let highest = model.rows.len().saturating_sub(height);
    let line = model.cursor.line;
    let top = model.cursor.top.min(highest);
    model.cursor.top = top.min(line).max((line + 1).saturating_sub(height));
}

#[cfg(test)]
mod tests;
