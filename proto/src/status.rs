//! The words for how an instance is and for what happened to it.

use serde::{Deserialize, Serialize};

/// Whether a registered instance is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Status {
    /// Silent for longer than its allowance.
    #[serde(rename = "DOWN")]
    Down,
    /// Heard within its allowance.
    #[serde(rename = "UP")]
    Up,
    /// Not in the registry any more; only tombstones have it.
    #[serde(rename = "GONE")]
    Gone,
}

impl Status {
    /// The word on the wire, in the store and on both screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Down => "DOWN",
            Self::Up => "UP",
            Self::Gone => "GONE",
        }
    }
}

/// What a recorded event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// A new instance, or one that was deregistered and registers again.
    Registered,
    /// A registration that moved the address or changed ttl, tags or metadata.
    Changed,
    /// Heard again after DOWN.
    Up,
    /// Silent for longer than its allowance.
    Down,
    /// Left the registry: removed after DOWN, or deregistered.
    Gone,
    /// Heard again after it was removed.
    Back,
    /// The daemon started to listen; names no instance.
    Start,
    /// The daemon stood still for more than 5 s (suspend, SIGSTOP, a paused machine); names no
    /// instance.
    Stall,
}

/// Every kind with its word, for the store and for reading.
pub const EVENT_KINDS: [EventKind; 8] = [
    EventKind::Registered,
    EventKind::Changed,
    EventKind::Up,
    EventKind::Down,
    EventKind::Gone,
    EventKind::Back,
    EventKind::Start,
    EventKind::Stall,
];

impl EventKind {
    /// The word on the wire and in the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Changed => "changed",
            Self::Up => "up",
            Self::Down => "down",
            Self::Gone => "gone",
            Self::Back => "back",
            Self::Start => "start",
            Self::Stall => "stall",
        }
    }

    /// The kind whose [`word`](Self::word) this is.
    pub fn parse(word: &str) -> Option<Self> {
        EVENT_KINDS.into_iter().find(|kind| kind.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_written_as_it_is_read() {
        for kind in EVENT_KINDS {
            assert_eq!(EventKind::parse(kind.word()), Some(kind));
            assert_eq!(
                serde_json::to_string(&kind).unwrap(),
                format!("{:?}", kind.word())
            );
        }
        assert_eq!(EventKind::parse("exploded"), None);
    }

    #[test]
    fn every_status_is_written_as_its_word() {
        for status in [Status::Up, Status::Down, Status::Gone] {
            assert_eq!(
                serde_json::to_string(&status).unwrap(),
                format!("{:?}", status.word())
            );
        }
    }
}
