//! How a service was in the last days: the answer of `/uptime/<name>`.

use serde::{Deserialize, Serialize};

use crate::{Span, Timestamp};

/// How an instance, or a service as a whole, was at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    /// UP; of a service: one instance or more.
    Up,
    /// DOWN; of a service: none was UP.
    Down,
    /// The registry did not listen, or no event of that time is kept.
    Unknown,
    /// Not registered.
    Absent,
}

/// A time in which nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UptimePiece {
    /// How it was.
    pub seen: Seen,
    /// From then on.
    pub from: Timestamp,
    /// Until then.
    pub until: Timestamp,
}

/// How long it was how. The four spans are the whole window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UptimeWindow {
    /// Length of the window.
    pub hours: u32,
    /// UP.
    pub up_s: Span,
    /// DOWN.
    pub down_s: Span,
    /// Unknown.
    pub unknown_s: Span,
    /// Not registered.
    pub absent_s: Span,
    /// UP in per cent of UP and DOWN, cut and not rounded; absent where both are 0.
    pub up_percent: Option<f64>,
}

/// Uptime of an instance, or of a service as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Uptime {
    /// The last 24 hours, 7 days and 30 days.
    pub windows: Vec<UptimeWindow>,
    /// The last 24 hours without a gap, oldest first.
    pub day: Vec<UptimePiece>,
}

/// Uptime of one instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InstanceUptime {
    /// Its row number.
    pub id: i64,
    /// Its instance key.
    pub instance: String,
    /// How it was.
    pub uptime: Uptime,
}

/// `GET /uptime/<name>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UptimeAnswer {
    /// Name of the service.
    pub name: String,
    /// Over all instances it had.
    pub service: Uptime,
    /// Its registered instances, by their key; at most 100.
    pub instances: Vec<InstanceUptime>,
    /// The daemon's wall clock.
    pub now: Timestamp,
}
