//! What the daemon answers. Field names are contract; the original's keys are among them.
//!
//! Texts in answers are plain `String`s: the client must be able to read a daemon that is not
//! ours and show, made harmless, whatever it says.

mod history;
mod uptime;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::{Span, Status, Timestamp};

pub use self::history::{Event, EventsAnswer, GoneAnswer, Tombstone};
pub use self::uptime::{InstanceUptime, Seen, Uptime, UptimeAnswer, UptimePiece, UptimeWindow};

/// One instance as everybody sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Row {
    /// The original's row number: unique, never reused.
    pub id: i64,
    /// Name of the service.
    pub name: String,
    /// What tells the instances of one service apart.
    pub instance: String,
    /// Address or host name, without a port.
    pub ip: String,
    /// Port, where one was given.
    pub port: Option<u16>,
    /// UP or DOWN.
    pub status: Status,
    /// UP, but silent for more than three quarters of its ttl.
    pub late: bool,
    /// False while it is UP only because the daemon was away: not heard since.
    pub confirmed: bool,
    /// Its status changed six times within ten ttl, and has not stood for five since.
    #[serde(default)]
    pub flapping: bool,
    /// Why it is DOWN, in words; absent while UP.
    pub reason: Option<String>,
    /// When the status became what it is; for DOWN the deadline, not the moment someone looked.
    pub since: Timestamp,
    /// When it was last heard, never later than now.
    pub last_heartbeat: Timestamp,
    /// When it was first registered.
    pub first_seen: Timestamp,
    /// How long a heartbeat counts.
    pub ttl_s: Span,
    /// Labels, in the order given.
    pub tags: Vec<String>,
    /// Pairs of texts.
    pub metadata: BTreeMap<String, String>,
    /// When it was last heard on the scale of the answer's `up_ms`; negative before this start.
    /// The age to show is `up_ms - heard_ms`, which no step of a wall clock can falsify.
    pub heard_ms: i64,
    /// When it will be DOWN (while UP) or GONE (while DOWN), on the scale of `up_ms`.
    pub due_ms: i64,
}

/// How many instances are how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// Registered instances: `up + down`.
    pub total: usize,
    /// UP, the late ones included.
    pub up: usize,
    /// UP and late.
    pub late: usize,
    /// DOWN.
    pub down: usize,
    /// Tombstones that the screens show († of the last 24 h, not dismissed).
    pub gone: usize,
}

/// How loud a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum NoticeLevel {
    /// Good to know.
    Info,
    /// Someone should look.
    Warning,
    /// Someone must act.
    Error,
}

/// One sentence that the daemon tells its users about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notice {
    /// Stable word: `start-grace`, `mass-loss`, `store-not-writing`, `no-auth`, `refused-rows`,
    /// `set-aside`, `rewritten`, `history-cut`, `certificate-not-reloaded`, `certificate-expires`,
    /// `tokens`, `tokens-in-clear`, `theme-not-reloaded`, `lock-deleted`, `link-changed`.
    pub kind: String,
    /// How loud.
    pub level: NoticeLevel,
    /// The sentence: what, since when, what to do.
    pub text: String,
    /// Since when.
    pub since: Timestamp,
}

/// A tombstone that left a delta reader's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Removed {
    /// The row's number.
    pub id: i64,
    /// Name of the service.
    pub name: String,
    /// Its instance key.
    pub instance: String,
}

/// `GET /services`, whole or as a delta.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServicesAnswer {
    /// All rows asked for; in a delta those that changed.
    pub services: Vec<Row>,
    /// In a delta: what left since the cursor.
    #[serde(default)]
    pub removed: Vec<Removed>,
    /// True when `services` is the whole registry, so a reader drops what it had.
    #[serde(default)]
    pub full: bool,
    /// Counts over the whole registry, whatever the filter.
    #[serde(default)]
    pub summary: Summary,
    /// How many rows the filter matched, over all pages.
    #[serde(default)]
    pub matching: usize,
    /// The daemon's wall clock.
    pub now: Timestamp,
    /// Milliseconds since the daemon started, on a clock that no one steps.
    pub up_ms: i64,
    /// Number of the last recorded event.
    #[serde(default)]
    pub revision: u64,
    /// Give it back as `?since=` to hear only what changed.
    #[serde(default)]
    pub cursor: String,
    /// What the daemon says about itself.
    #[serde(default)]
    pub notices: Vec<Notice>,
}

/// `POST /register`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RegisterAnswer {
    /// What happened, for people.
    pub message: String,
    /// The row as it is now.
    pub service: Row,
    /// True for an instance that was not registered before.
    pub created: bool,
    /// How long this heartbeat counts.
    pub ttl_s: Span,
    /// How often to beat: a third of the ttl.
    pub heartbeat_every_s: Span,
}

/// `POST /heartbeat/<name>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeartbeatAnswer {
    /// What happened, for people.
    pub message: String,
    /// The row as it is now.
    pub service: Row,
    /// How long this heartbeat counts.
    pub ttl_s: Span,
    /// How often to beat: a third of the ttl.
    pub heartbeat_every_s: Span,
}

/// `POST /refresh/<name>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefreshAnswer {
    /// Name of the service.
    pub name: String,
    /// UP when at least one instance is.
    pub status: Status,
    /// The newest heartbeat of all its instances.
    pub last_heartbeat: Timestamp,
    /// Every instance, judged now.
    pub instances: Vec<Row>,
    /// The daemon's wall clock.
    pub now: Timestamp,
    /// Milliseconds since the daemon started.
    pub up_ms: i64,
}

/// `DELETE /services/<name>` and `POST /deregister/<name>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeregisterAnswer {
    /// What happened, for people.
    pub message: String,
    /// The instances that left the registry, or were dismissed from the GONE list, by this call.
    pub removed: Vec<Removed>,
}

/// `GET /healthz` and `/readyz`: the daemon itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthAnswer {
    /// `ok`, or `degraded` while a notice of level error stands that is about the daemon itself.
    pub status: String,
    /// Version of the daemon.
    pub version: String,
    /// The daemon's wall clock.
    pub now: Timestamp,
    /// Milliseconds since the daemon started.
    pub up_ms: i64,
    /// Whether changes reach the disk.
    pub store: StoreHealth,
    /// What the daemon says about itself.
    pub notices: Vec<Notice>,
}

/// What `GET /healthz` says to those who may not look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LivenessAnswer {
    /// As in [`HealthAnswer`].
    pub status: String,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoreHealth {
    /// Whether the last attempt to write succeeded.
    pub writing: bool,
    /// The error of the last attempt, if it failed.
    pub error: Option<String>,
    /// Rows and events that wait to be written.
    pub waiting: usize,
}

/// Any answer with a status outside 2xx.
pub type ProblemAnswer = Problem;
