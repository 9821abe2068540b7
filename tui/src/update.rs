//! What happens: a message changes the model and asks for effects. Pure; the only place where the
//! model changes.

mod actions;
mod keys;
mod moving;
mod pointing;
mod popups;
mod replies;
mod settling;

use lastbeat_proto::answer::{
    DeregisterAnswer, EventsAnswer, GoneAnswer, RefreshAnswer, ServicesAnswer, UptimeAnswer,
};

use crate::clock::Mono;
use crate::keymap::{Key, Pointer};
use crate::model::layout::{Layout, WIDE};
use crate::model::link::Fault;
use crate::model::{Model, Pane, Toast, Tone, notices};

pub use settling::settle;

/// How long a toast stays, in ms.
const TOAST_MS: i64 = 5_000;

/// What can happen.
#[derive(Debug)]
pub enum Message {
    /// A key was pressed.
    Key(Key),
    /// The mouse was used.
    Pointer(Pointer),
    /// Text was pasted: never run as keys.
    Paste(String),
    /// The terminal has this many columns and lines.
    Resize(u16, u16),
    /// A frame was drawn, and nothing waits that was typed before it.
    Shown,
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
    /// How a service was in the last days.
    Uptime {
        /// Which.
        name: String,
    },
    /// Judge a service again.
    Refresh {
        /// Which.
        name: String,
    },
    /// Judge all again.
    RefreshAll,
    /// Take instances out, or off the list of what left.
    Deregister {
        /// Name of the service.
        name: String,
        /// Which instances.
        instances: Vec<String>,
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
    /// To [`Request::Uptime`].
    Uptime {
        /// Which service was meant.
        name: String,
        /// The answer.
        result: Result<Box<UptimeAnswer>, Fault>,
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
    /// Have the mouse reported, or not.
    Mouse(bool),
    /// Draw everything anew.
    Repaint,
    /// Give the terminal back and stop until continued.
    Suspend,
    /// End.
    Quit,
}

/// Takes one message in, and sees to it that the model can be drawn.
pub fn update(model: &mut Model, message: Message, now: Mono) -> Vec<Effect> {
    let effects = take(model, message, now);
    settle(model, now);
    effects
}

/// Takes one message in. Before the model is drawn it must be [settled](settle): that costs work
/// in proportion to the registry, and many keys that only order it anew shall cost it once.
pub fn take(model: &mut Model, message: Message, now: Mono) -> Vec<Effect> {
    let mut effects = Vec::new();
    if !keys::only_orders(model, &message) {
        settle(model, now);
    }
    match message {
        Message::Key(key) => keys::pressed(model, key, now, &mut effects),
        Message::Pointer(pointer) => pointing::used(model, pointer, &mut effects),
        Message::Paste(text) => keys::pasted(model, &text),
        Message::Resize(columns, lines) => model.size = (columns, lines),
        Message::Resumed => {
            effects.push(Effect::Repaint);
            model.link.ask_at(now);
        }
        Message::Shown => popups::shown(model),
        Message::Tick => {}
        Message::Reply(reply) => replies::came(model, reply, now, &mut effects),
    }
    let is_over = |until: Mono| until <= now;
    model
        .toast
        .take_if(|toast| toast.until.is_some_and(is_over));
    if model.link.due().is_some_and(|due| due <= now) {
        ask(model, &mut effects);
    }
    model.cursor.is_unsettled = true;
    effects
}

/// When something will change without a message: a question is due, a toast goes, an age grows.
pub fn wake_at(model: &Model, now: Mono) -> Mono {
    let next_second = now.plus_ms(1_000 - now.as_ms().rem_euclid(1_000));
    let toast = model.toast.as_ref().and_then(|toast| toast.until);
    [model.link.due(), toast]
        .into_iter()
        .flatten()
        .fold(next_second, Mono::min)
}

/// The layout of the model's screen.
pub fn layout(model: &Model) -> Layout {
    let gone = match model.pane {
        Pane::Table => model.lines.gone_len(),
        Pane::Detail(_) if WIDE <= model.size.0 => model.lines.gone_len(),
        Pane::Detail(_) | Pane::Events(_) => 0,
    };
    let notices = notices::lines(model).len();
    Layout::new(model.size, notices, model.table_len(), gone)
}

/// How many lines the table lists: where there is no room for a region of what left, those too.
pub fn listed(model: &Model, lines: Layout) -> usize {
    if lines.gone == 0 {
        model.len()
    } else {
        model.table_len()
    }
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

/// Asks for events where they are shown, and in the detail how the service was.
fn ask_events(model: &mut Model, effects: &mut Vec<Effect>) {
    let of = match model.pane {
        Pane::Table => return,
        Pane::Events(_) => model.events.of.clone(),
        Pane::Detail(_) => model.cursor.key.as_ref().map(|key| key.name().to_owned()),
    };
    if model.events.of != of {
        model.events.list.clear();
        model.events.fault = None;
    }
    model.events.of.clone_from(&of);
    model.events.is_loading = true;
    model.events.revision = Some(model.link.revision);
    if let (Pane::Detail(_), Some(name)) = (model.pane, &of) {
        let name = name.clone();
        effects.push(Effect::Send(Request::Uptime { name }));
    }
    effects.push(Effect::Send(Request::Events { name: of }));
}

fn say(model: &mut Model, text: String, tone: Tone, now: Mono) {
    let until = match tone {
        Tone::Good => Some(now.plus_ms(TOAST_MS)),
        Tone::Bad => None,
    };
    model.toast = Some(Toast { text, tone, until });
}

#[cfg(test)]
mod tests;
