//! What happened and what left: the answers of `/events` and `/gone`.

use serde::{Deserialize, Serialize};

use crate::{EventKind, Status, Timestamp};

/// Something that happened, stamped with the moment it was due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Event {
    /// Its number; events are ordered by it, never by time.
    pub revision: u64,
    /// When it was due.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// The instance's row number; absent for `start` and `stall`.
    pub id: Option<i64>,
    /// Name of the service; absent for `start` and `stall`.
    pub name: Option<String>,
    /// Its instance key; absent for `start` and `stall`.
    pub instance: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
}

/// `GET /events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventsAnswer {
    /// Newest first.
    pub events: Vec<Event>,
    /// The daemon's wall clock.
    pub now: Timestamp,
    /// Give it back as `?before=` for the next page; absent when there is no older one.
    pub before: Option<u64>,
}

/// What is kept of an instance that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tombstone {
    /// Its row number.
    pub id: i64,
    /// Name of the service.
    pub name: String,
    /// Its instance key.
    pub instance: String,
    /// Its last address.
    pub ip: String,
    /// Its last port.
    pub port: Option<u16>,
    /// Always GONE.
    pub status: Status,
    /// Why it left, in words.
    pub reason: String,
    /// True when it was deregistered: only a registration brings it back.
    pub deregistered: bool,
    /// When it left.
    pub since: Timestamp,
    /// When it was last heard.
    pub last_heartbeat: Timestamp,
    /// When it was first registered.
    pub first_seen: Timestamp,
}

/// `GET /gone`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoneAnswer {
    /// Newest first.
    pub gone: Vec<Tombstone>,
    /// The daemon's wall clock.
    pub now: Timestamp,
}
