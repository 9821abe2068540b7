//! What the store keeps: the values that are written and loaded, without any SQL.

use std::collections::BTreeMap;

use lastbeat_proto::{Address, EventKind, InstanceId, ServiceName, Span, Timestamp};

use crate::clock::Listened;
use crate::instance::{Changes, Life};

/// One instance, living or tombstone, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRecord {
    /// Row number; unique for the life of the database, never reused once stored.
    pub id: i64,
    /// Name of the service.
    pub name: ServiceName,
    /// What tells the instances of one service apart.
    pub instance: InstanceId,
    /// Where it is.
    pub address: Address,
    /// Its port, where one was given.
    pub port: Option<u16>,
    /// How long a heartbeat counts; absent: as the daemon's `--ttl` says.
    pub ttl: Option<Span>,
    /// Labels, in the order given.
    pub tags: Vec<String>,
    /// Pairs of texts.
    pub metadata: BTreeMap<String, String>,
    /// Wall time of the first registration.
    pub first_seen: Timestamp,
    /// The recorded state.
    pub life: Life,
    /// Wall time of the last change of state; for DOWN and GONE the deadline.
    pub since: Timestamp,
    /// Listening time of the same.
    pub since_l: Listened,
    /// Whether it went DOWN in a mass loss.
    pub is_mass: bool,
    /// Its latest changes of status.
    pub changes: Changes,
    /// Whether it changes all the time.
    pub is_flapping: bool,
    /// Its last heartbeat.
    pub heartbeat: Heartbeat,
}

/// When an instance was last heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Wall time.
    pub at: Timestamp,
    /// Listening time.
    pub l: Listened,
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// Its number: one more than the event before.
    pub revision: u64,
    /// Wall time at which it was due.
    pub at: Timestamp,
    /// Listening time of the same.
    pub l: Listened,
    /// What happened.
    pub kind: EventKind,
    /// Whom it happened to; nobody for `start` and `stall`.
    pub subject: Option<Subject>,
    /// Why, in words.
    pub reason: Option<String>,
}

/// The instance an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its row number.
    pub id: i64,
    /// Name of the service.
    pub name: ServiceName,
    /// Its instance key.
    pub instance: InstanceId,
}

/// How a stretch of listening began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Began {
    /// The daemon started.
    Start,
    /// The daemon had stood still for more than five seconds.
    Stall,
}

impl Began {
    /// The word in the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stall => "stall",
        }
    }
}

/// A stretch of uninterrupted listening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// How it began.
    pub began: Began,
    /// Listening time at its begin.
    pub start_l: Listened,
    /// The last listening time that is known of it.
    pub last_l: Listened,
    /// Wall time at its begin.
    pub start_wall: Timestamp,
    /// Wall time of `last_l`.
    pub last_wall: Timestamp,
    /// Whether it ended with a clean stop, so that nothing was missed behind `last_l`.
    pub is_clean: bool,
}

/// What one transaction writes. Everything in it is stored, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// Rows to insert or replace, each with its heartbeat.
    pub rows: Vec<InstanceRecord>,
    /// Rows that are stored already and of which nothing moved but their state and heartbeat; one
    /// that is missing all the same is inserted.
    pub turned: Vec<InstanceRecord>,
    /// Heartbeats of rows that are stored already, by row number.
    pub beats: Vec<(i64, Heartbeat)>,
    /// Row numbers of tombstones to delete.
    pub deleted: Vec<i64>,
    /// Events, oldest first.
    pub events: Vec<EventRecord>,
    /// Stretches not stored yet, oldest first.
    pub stretches: Vec<Stretch>,
    /// How far the newest stretch has come; absent only before the first one began.
    pub listened: Option<(Listened, Timestamp)>,
    /// Whether the daemon stops cleanly with this batch.
    pub is_clean_stop: bool,
}

/// What a start finds in the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// All instances and tombstones, by rising row number.
    pub instances: Vec<InstanceRecord>,
    /// The newest 1,000 events, oldest first.
    pub events: Vec<EventRecord>,
    /// Number of the last event ever recorded; 0 before the first.
    pub revision: u64,
    /// The newest 1,000 stretches, oldest first.
    pub stretches: Vec<Stretch>,
    /// Row number that the next new instance gets: above every one ever stored.
    pub next_id: i64,
    /// Rows of an imported database that our rules refuse; they stay in a table of their own.
    pub refused_rows: usize,
}
