//! What left and what happened, as the pages show it.

use super::link;
use lastbeat_proto::answer::{Event, Notice, NoticeLevel, Tombstone};
use lastbeat_proto::{EventKind, path};

use super::row::{time, time_to_the_second, with_port};

/// The tombstones of one service.
#[derive(Debug)]
pub(super) struct Group {
    /// Name of the service.
    pub(super) name: String,
    /// The name in an element's id.
    pub(super) id: String,
    /// The name in a path.
    pub(super) path: String,
    /// Newest first.
    pub(super) stones: Vec<Stone>,
}

/// One tombstone.
#[derive(Debug)]
pub(super) struct Stone {
    /// Last address with port.
    pub(super) address: String,
    /// The instance key in a query.
    pub(super) instance_path: String,
    /// Why it left.
    pub(super) reason: String,
    /// When.
    pub(super) since: String,
    /// Whether a heartbeat does not bring it back.
    pub(super) is_deregistered: bool,
}

/// One event.
#[derive(Debug)]
pub(super) struct EventView {
    /// Its number.
    pub(super) revision: u64,
    /// When it was due.
    pub(super) at: String,
    /// Color.
    pub(super) tone: &'static str,
    /// Word.
    pub(super) word: &'static str,
    /// Whom it is about; nobody: the daemon.
    pub(super) subject: Option<Subject>,
    /// Why.
    pub(super) reason: String,
}

/// Whom an event is about.
#[derive(Debug)]
pub(super) struct Subject {
    /// Name of the service.
    pub(super) name: String,
    /// The name in a path.
    pub(super) path: String,
    /// The instance key, where the reason does not say it.
    pub(super) instance: Option<String>,
}

/// One notice.
#[derive(Debug)]
pub(super) struct NoticeView {
    /// Its stable word.
    pub(super) kind: String,
    /// Color.
    pub(super) tone: &'static str,
    /// The sentence.
    pub(super) text: String,
    /// Since when.
    pub(super) since: String,
}

/// Tombstones by service; the service that lost one last comes first.
pub(super) fn group(newest_first: Vec<Tombstone>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for stone in newest_first {
        let view = Stone {
            address: with_port(&stone.ip, stone.port),
            instance_path: path::encode(&stone.instance),
            reason: stone.reason,
            since: time_to_the_second(stone.since),
            is_deregistered: stone.deregistered,
        };
        match groups.iter_mut().find(|group| group.name == stone.name) {
            Some(group) => group.stones.push(view),
            None => groups.push(Group {
                id: link::id_part(&stone.name),
                path: path::encode(&stone.name),
                name: stone.name,
                stones: vec![view],
            }),
        }
    }
    groups
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let (tone, word) = match event.kind {
            EventKind::Registered => ("up", "NEW"),
            EventKind::Changed => ("all", "CHANGED"),
            EventKind::Up => ("up", "UP"),
            EventKind::Back => ("up", "BACK"),
            EventKind::Down => ("down", "DOWN"),
            EventKind::Gone => ("gone", "GONE"),
            EventKind::Start => ("all", "START"),
            EventKind::Stall => ("late", "STALL"),
        };
        let reason = event.reason.unwrap_or_default();
        let instance = event.instance;
        let instance = instance.filter(|instance| !reason.contains(instance.as_str()));
        Self {
            revision: event.revision,
            at: time(event.at),
            tone,
            word,
            subject: event.name.map(|name| Subject {
                path: path::encode(&name),
                name,
                instance,
            }),
            reason,
        }
    }
}

impl From<Notice> for NoticeView {
    fn from(notice: Notice) -> Self {
        Self {
            kind: notice.kind,
            tone: match notice.level {
                NoticeLevel::Info => "all",
                NoticeLevel::Warning => "late",
                NoticeLevel::Error => "down",
            },
            text: notice.text,
            since: time_to_the_second(notice.since),
        }
    }
}
